/* version - which ekaci this is: the file VERSION, a line, which packages and the manual page say, too. */
#ifndef EKACI_SUPPORT_BASE_VERSION_H
#define EKACI_SUPPORT_BASE_VERSION_H

const char *version_text(void); /* "1.2.3", static */

#endif
