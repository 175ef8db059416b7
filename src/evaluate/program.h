/*
 * program - what a program that an operator chose needs to start, and which build of it this is.
 *
 * A program outside the system's folders finds its libraries by its own run path or by ldconfig's cache, and its version
 * often tells nothing. Its loader is asked what it loads (`LOADER --list PROGRAM`, which runs nothing of the program): these
 * files are what a sandbox must show, and a hash of their contents and the program's tells two builds apart. Only for
 * programs that are trusted anyway. What was found is kept in folder/NAME.build and believed while the program, the
 * loader's cache and every file are the same (place, size, times): hashing 60 MB of libraries takes 0.2 s, looking 0.1 ms.
 */
#ifndef EKACI_EVALUATE_PROGRAM_H
#define EKACI_EVALUATE_PROGRAM_H

#include "support/base/err.h"
#include "support/base/str.h"

struct program {
	const char *path;         /* without symbolic links */
	const char *const *needs; /* what its loader opens, as the loader names it: NULL-terminated; none for a script */
	const char *build;        /* hexadecimal digits; others when the program or a library is another */
};

/* ERR_ABSENT when there is no such file. A loader that cannot be asked is no error: then only the file itself counts. */
must_check int program_read(struct arena *a, const char *path, const char *folder, struct program *ret, struct err *e);

#endif
