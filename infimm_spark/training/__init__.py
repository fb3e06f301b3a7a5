"""Fitting and measuring the classifiers. `classify` is what a build needs of them."""
