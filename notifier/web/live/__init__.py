"""Pages that are live: what changed goes to every open page by server-sent events.

A page takes part by these attributes, which `pages/static/live.js` reads:

- `<html data-last-id="ID">`: the id of the last change before the page was read (`Hub.last_id`);
- `<main data-topics="watches conditions">`: what concerns this page (`live.changes` lists the topics);
- `data-key="watch:ID"` on an element that keeps its identity in a list (an `id` does the same), and that a message may
  bring anew;
- `data-polls="watch:ID dataset:ID"` on an element that shows when these were polled, and are next;
- `<time datetime="..." data-relative>`: a time in words, which the browser keeps true; `data-poll="last"` and
  `data-poll="next"` on those of polls.
"""
