"""Tables, figures and pages about runs and about data."""
