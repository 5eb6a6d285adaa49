"""Everything durable: tables, one file of queries for each noun, sealing, migrations."""
