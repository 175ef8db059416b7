-- The database came to another machine from a backup: what was made at the forge after that backup is not known here.

-- When. For a while after it the sender looks before it makes a check run or a reply, as for one in doubt.
CREATE TABLE moved (
	at INTEGER NOT NULL
) STRICT;
