"""One file a verb: its arguments and what it does; nothing heavy is imported before it runs."""
