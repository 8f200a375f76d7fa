"""What somebody gives: a file of numbers, and what the names in it mean here."""
