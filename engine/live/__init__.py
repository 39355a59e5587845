"""Events as they happen: from the database to every API process, and from there to every open socket.

`emit` notes in its transaction that a project has something new (`unheard`). One process relays the notes as a
notification of ids and numbers (`relay`); every process receives it, reads each project's new events once and hands
them to its own sockets (`hub`, `subscriber`). Regular looks at the projects' counters find what was lost on the way.
"""
