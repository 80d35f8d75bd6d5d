"""Pages that are live: what changed goes to every open page by server-sent events.

A page takes part by these attributes, which `pages/static/live.js` reads:

- `<html data-live="ID">`: the id of the last change before the page was read (`Hub.last_id`);
- `<main data-topics="watches conditions">`: what concerns this page (`live.changes` lists the topics);
- `data-row="watch:ID"` on an element that a message may bring anew; `data-key` on other elements of a list that keep
  their identity (an `id` does the same);
- `<time datetime="..." data-relative>`: a time in words, which the browser keeps true;
- `<p id="live" role="status">`: whether the page is live, in words; `<p id="announcements" role="status">`: what a
  screen reader should say; `<div id="message">`: the answer to an action.
"""
