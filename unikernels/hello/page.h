/* SPDX-License-Identifier: ISC */
/* What the three URLs say: the page for people, the health and the participation for machines. */
#ifndef HELLO_PAGE_H
#define HELLO_PAGE_H

#include "fmt.h"

struct hello;

void page_index(const struct hello *hello, struct fmt *body);
void page_health(const struct hello *hello, struct fmt *body);
void page_well_known(const struct hello *hello, struct fmt *body);

#endif
