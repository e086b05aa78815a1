"""How the console writes dates: sortable, to the second, IST."""
