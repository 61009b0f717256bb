"""What commands print: progress, tables, and what libraries must not print."""
