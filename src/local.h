/*
 * local - `ekaci diff BASE HEAD`: the same stages on a local clone, without GitHub.
 */
#ifndef EKACI_LOCAL_H
#define EKACI_LOCAL_H

/* Exit codes: 0 nothing newly failing, 1 something is, 2 it could not be told. */
int local_diff(int argc, char **argv);

#endif
