/* The SQL of "something may be done for it at the forge": of a repository, and of an installation. Private to this folder. */
#ifndef EKACI_STORE_SERVED_H
#define EKACI_STORE_SERVED_H

/* What we know nothing of is served: `ekaci diff` and tests have no rows. */
#define SQL_SERVED(repository, installation)                                                              \
	"(NOT EXISTS (SELECT 1 FROM repository so WHERE so.id = " repository " AND so.state <> 'active')" \
	" AND NOT EXISTS (SELECT 1 FROM installation si WHERE si.id = " installation " AND si.state <> 'active'))"

/* Nobody tells us of it any more, so whether it is still public is not known. `o` is the repository. */
#define SQL_UNHEARD                              \
	"(o.state NOT IN ('active', 'archived')" \
	" OR EXISTS (SELECT 1 FROM installation si WHERE si.id = o.installation AND si.state <> 'active'))"

#endif
