"""From the text of a YAML file to checked sections, each value with its place."""
