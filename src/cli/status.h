/* status - `ekaci status`: the queue as the database has it, and why a build has not started. Reads only. */
#ifndef EKACI_CLI_STATUS_H
#define EKACI_CLI_STATUS_H

int status_main(int argc, char **argv);

#endif
