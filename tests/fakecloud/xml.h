/* SPDX-License-Identifier: ISC */
/* XML as the services reply with it, written from JSON documents. Pure. */
#ifndef FAKECLOUD_XML_H
#define FAKECLOUD_XML_H

#include <jansson.h>

#include "api/buf.h"

void fc_xml_text(struct mir_buf *out, const char *text); /* escaped */
void fc_xml_element(struct mir_buf *out, const char *name, const char *text);

/* The members of an object as elements, in their order. An array becomes one element with an
 * `item` for each; with item NULL, an element of the array's name for each (S3). Members that begin
 * with "_" are left out, null is an empty element. */
void fc_xml_members(struct mir_buf *out, const json_t *object, const char *item);

#endif
