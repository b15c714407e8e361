/* SPDX-License-Identifier: ISC */
/*
 * XML from outside, read with limits: one document in memory, found through by element names.
 * api/xml.c is the only file that calls libxml2.
 *
 * What is refused (MIR_CORRUPT, with line and reason): more bytes than the caller allows, what is
 * not well-formed UTF-8 XML, any document type declaration (so no entities of its own and nothing
 * external), nesting deeper than MIR_XML_DEPTH_MAX. Nothing is ever loaded from elsewhere.
 * Names are compared without their namespace. Comments and processing instructions are dropped.
 *
 * A document is read-only and may be read by several threads; its nodes and texts are borrowed from
 * it until mir_xml_free.
 */
#ifndef API_XML_H
#define API_XML_H

#include <stddef.h>

#include "api/cleanup.h"
#include "api/error.h"

#define MIR_XML_DEPTH_MAX 64

struct mir_xml;      /* a document */
struct mir_xml_node; /* an element of it */

/* Owned, or NULL. */
struct mir_xml *mir_xml_parse(const char *text, size_t len, size_t max_bytes,
                              struct mir_error *err);
/* Of a long answer most is never asked for, and the rest is rows of one kind. */
struct mir_xml_wanted {
    /* "a/b/c", borrowed: an element with another name than their parts have is left out, with all
     * that is in it. The root never is. 0 paths: nothing is left out. */
    const char *const *paths;
    size_t path_count;
    /* What this path leads to from the root is handed over at its end and forgotten then: it is not
     * found in the document. NULL: nothing is. -1 with err ends the reading, which fails so. What
     * follows may still turn out to be no XML: then mir_xml_parse_wanted fails, too. */
    const char *each;
    int (*row)(void *ctx, const struct mir_xml_node *node, struct mir_error *err);
    void *ctx;
};

/* The same with no more than is wanted. */
struct mir_xml *mir_xml_parse_wanted(const char *text, size_t len, size_t max_bytes,
                                     const struct mir_xml_wanted *wanted, struct mir_error *err);
void mir_xml_free(struct mir_xml *xml); /* NULL allowed */
void mir_xml_wipe(struct mir_xml *xml); /* zeroes every text of it, where they are secrets */

const struct mir_xml_node *mir_xml_root(const struct mir_xml *xml);
const char *mir_xml_name(const struct mir_xml_node *node);

/* All that follow take a NULL node and answer as for an absent one. */

/* The first element that "a/b/c" leads to from here: child a, its child b, its child c (each the
 * first of its name). "" is the node itself. NULL: there is none. */
const struct mir_xml_node *mir_xml_find(const struct mir_xml_node *node, const char *path);

/* The first child of that name (NULL: of any), and the next one beside it. */
const struct mir_xml_node *mir_xml_first(const struct mir_xml_node *node, const char *name);
const struct mir_xml_node *mir_xml_next(const struct mir_xml_node *node, const char *name);

/* The character data right inside the element (not inside its children), as it stands; "" when
 * there is none. */
const char *mir_xml_text(const struct mir_xml_node *node);

/* The text of what the path leads to; "" when it leads nowhere. */
const char *mir_xml_get(const struct mir_xml_node *node, const char *path);

static inline void mir_xml_freep(struct mir_xml **slot)
{
    mir_xml_free(*slot);
}

#define mir_auto_xml MIR_CLEANUP(mir_xml_freep)

#endif
