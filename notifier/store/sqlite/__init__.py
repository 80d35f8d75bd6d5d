"""SQLite: how its files are opened, locked, watched, and what its errors mean."""
