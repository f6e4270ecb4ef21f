"""The report of a study: runs -> tables, figures, verdicts and one page."""
