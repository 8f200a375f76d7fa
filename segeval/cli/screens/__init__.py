"""What a person sees: tables and pages for a terminal, and talk on the way."""
