"""Events as they happen: from the database to every process of the API, and there to every socket that is open.

`emit` notes in its transaction that a project has something new (`unheard`). One process relays the notes as a
notification of ids and numbers (`relay`); every process hears it, reads each project's new events once and hands them
to its own (`hub`, `subscriber`). What is lost on the way is found by looking at the projects' counters now and then.
"""
