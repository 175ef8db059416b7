/* release - which ekaci this is: the file VERSION, a line, which packages and the manual page say, too. */
#ifndef EKACI_SUPPORT_BASE_RELEASE_H
#define EKACI_SUPPORT_BASE_RELEASE_H

const char *release_text(void); /* "1.2.3", static */

#endif
