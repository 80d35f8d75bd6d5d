"""The API: a module for each resource under /api/v1, its description in OpenAPI, and what all of them share."""
