/* Pages as JSON. */
#include "records/pages.h"

#define OF struct log_phase_told
static const struct field log_phase_members[] = {{TEXT(name)}, {INT(line), .about = "the first, from 1"}};
#undef OF
static const struct fields log_phase_fields = FIELDS("phase of a log", NULL, struct log_phase_told, log_phase_members);

#define OF struct log_line_told
static const struct field log_line_members[] = {
    {INT(line), .about = "from 1; 0: only the last lines are left"},
    {TEXT(text)},
    {FLAG(cut), .about = "its rest is left out"},
};
#undef OF
static const struct fields log_line_fields = FIELDS("line of a log", NULL, struct log_line_told, log_line_members);

#define OF struct log_told
static const struct field log_members[] = {
    {TEXT(name)},
    {TEXT(system)},
    {TEXT(drv)},
    {TEXT(state), .about = "as in `build of a run`"},
    {TEXT(reason)},
    {FLAG(live), .about = "more may come"},
    {INT(lines)},
    {INT(bytes), .otherwise = -1, .null = true},
    {INT(error), .about = "the line of the error; 0: none is known"},
    {LIST_OF(phases, log_phase_told, log_phase_fields)},
    {LIST_OF(text, log_line_told, log_line_fields)},
    {INT(next), .about = "from where to ask for more; 0: that is all"},
};
#undef OF
const struct fields log_told_fields = FIELDS("log of a build", NULL, struct log_told, log_members);
