"""The table of a sweep, and all that is made of it: text, figures, checks, files."""
