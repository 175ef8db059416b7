/* forms - a run and a derivation for programs and as Markdown; as HTML they are page_run.h's. */
#ifndef EKACI_WEB_FORMS_H
#define EKACI_WEB_FORMS_H

#include "web/page.h"

page_fn forms_run, forms_drv;

#endif
