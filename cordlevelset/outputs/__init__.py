"""What is written or drawn of a result: tables, figures, report."""
