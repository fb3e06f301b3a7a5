"""The corpus in the formats that readers want: one module for each format."""
