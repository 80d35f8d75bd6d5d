"""The datasets API: progress, lists, results, triggers."""
