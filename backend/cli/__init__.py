"""The command line. What a command does elsewhere stays there; here are words, tables and exit codes."""
