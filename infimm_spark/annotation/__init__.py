"""Grades from a language model, and the choice of the pages that are worth grading."""
