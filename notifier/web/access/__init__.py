"""Who is answered: access by a token, from this machine, or not at all."""
