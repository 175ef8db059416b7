/* A folder of a test program's own: make_dir and remove_dir are the setup and the teardown of its group. After cmocka.h. */
#ifndef EKACI_TESTS_TEMP_DIR_H
#define EKACI_TESTS_TEMP_DIR_H

#include "support/os/files.h"

#include <stdlib.h>

static char dir[] = "/tmp/ekaci-unit-XXXXXX";

static int
make_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) != NULL ? 0 : -1;
}

static int
remove_dir(void **state)
{
	struct err e;

	(void)state;
	return files_remove_tree(dir, &e);
}

#endif
