/* SPDX-License-Identifier: ISC */
/* Is this text well-formed XML? By libxml2 where the build found it; tests skip by name without. */
#ifndef TESTS_WELL_FORMED_H
#define TESTS_WELL_FORMED_H

#include <stdbool.h>
#include <string.h>

#ifdef MIR_TEST_LIBXML
#include <libxml/parser.h>

#define NEED_LIBXML()                                                                              \
    do {                                                                                           \
    } while (0)

static inline bool well_formed(const char *text, size_t len)
{
    xmlDocPtr doc = xmlReadMemory(text, (int)len, NULL, "UTF-8",
                                  XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    xmlFreeDoc(doc);
    return doc != NULL;
}
#else
#define NEED_LIBXML()                                                                              \
    do {                                                                                           \
        print_message("SKIP %s: built without libxml2\n", __func__);                               \
        skip();                                                                                    \
    } while (0)

static inline bool well_formed(const char *text, size_t len)
{
    return false;
}
#endif

/* A text of up to `most` bytes, none of them zero, from a seed: markup, controls, broken UTF-8. */
static inline void hostile_text(unsigned *seed, char *out, size_t most)
{
    static const char spice[] =
        "<>&\"'\\/;#x-]]>!\n\r\t\x01\x1b\x7f\x80\xbf\xc0\xc3\xe2\x80\xa8\xed"
        "\xa0\x80\xef\xbf\xbe\xf0\x9f\x98\x80\xf5\xff";
    *seed = *seed * 1664525u + 1013904223u;
    size_t len = (*seed >> 8) % (most + 1);
    for (size_t i = 0; i < len; i++) {
        *seed = *seed * 1664525u + 1013904223u;
        unsigned die = *seed >> 8;
        out[i] = die % 3 ? spice[die / 3 % (sizeof spice - 1)] : (char)(1 + die / 3 % 255);
    }
    out[len] = '\0';
}

#endif
