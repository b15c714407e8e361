/* SPDX-License-Identifier: ISC */
#include "api/xml.h"

#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include <libxml/parser.h>
#include <libxml/tree.h>

#include "api/memory.h"
#include "api/secret.h"

/* A mir_xml is an xmlDoc and a mir_xml_node an xmlNode; nobody else knows. */

static void init_once(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, xmlInitParser);
}

static xmlNode *of(const struct mir_xml_node *node)
{
    return (xmlNode *)(uintptr_t)node;
}

static const struct mir_xml_node *node_of(const xmlNode *node)
{
    return (const struct mir_xml_node *)(uintptr_t)node;
}

static void refuse_doctype(void *ctx, const xmlChar *name, const xmlChar *external,
                           const xmlChar *system_id)
{
    xmlParserCtxt *parser = ctx;
    bool *refused = parser->_private;
    *refused = true;
    xmlStopParser(parser);
}

/* Leaves elements and one text per run of them, so that a text can be lent as it stands. -1: too
 * deep. */
static int tidy(xmlNode *element)
{
    unsigned depth = 1;
    xmlNode *node = element->children, *parent = element;
    while (parent) {
        if (!node) { /* up */
            if (parent == element)
                return 0;
            node = parent->next;
            parent = parent->parent;
            depth--;
            continue;
        }
        xmlNode *next = node->next;
        if (node->type == XML_ELEMENT_NODE) {
            if (++depth > MIR_XML_DEPTH_MAX)
                return -1;
            parent = node;
            next = node->children;
        } else if (node->type != XML_TEXT_NODE) {
            xmlUnlinkNode(node);
            xmlFreeNode(node);
        } else if (node->prev && node->prev->type == XML_TEXT_NODE) {
            xmlTextMerge(node->prev, node); /* frees node */
        }
        node = next;
    }
    return 0;
}

static void why_not(xmlParserCtxt *parser, bool doctype, struct mir_error *err)
{
    const xmlError *last = xmlCtxtGetLastError(parser);
    const char *reason = last && last->message ? last->message : "it is no document";
    if (doctype)
        mir_fail(err, MIR_CORRUPT, "not the XML that is read here: it declares a document type");
    else
        mir_fail(err, MIR_CORRUPT, "not XML: line %d: %.*s", last ? last->line : 0,
                 (int)strcspn(reason, "\r\n"), reason);
}

struct mir_xml *mir_xml_parse(const char *text, size_t len, size_t max_bytes, struct mir_error *err)
{
    if (len > max_bytes || len > INT_MAX) {
        mir_fail(err, MIR_CORRUPT, "XML document of %zu bytes; at most %zu are taken", len,
                 max_bytes);
        return NULL;
    }
    init_once();
    xmlParserCtxt *parser = xmlNewParserCtxt();
    if (!parser)
        mir_memory_out();
    bool doctype = false;
    parser->_private = &doctype;
    parser->sax->internalSubset = refuse_doctype;
    xmlDoc *doc = xmlCtxtReadMemory(parser, len ? text : "", (int)len, NULL, "UTF-8",
                                    XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |
                                        XML_PARSE_NOCDATA | XML_PARSE_COMPACT);
    xmlNode *root = doc && !doctype ? xmlDocGetRootElement(doc) : NULL;
    bool deep = root && tidy(root);
    if (!root)
        why_not(parser, doctype, err);
    else if (deep)
        mir_fail(err, MIR_CORRUPT, "XML nested deeper than %d", MIR_XML_DEPTH_MAX);
    xmlFreeParserCtxt(parser);
    if (!root || deep) {
        xmlFreeDoc(doc);
        return NULL;
    }
    return (struct mir_xml *)doc;
}

void mir_xml_free(struct mir_xml *xml)
{
    xmlFreeDoc((xmlDoc *)xml);
}

void mir_xml_wipe(struct mir_xml *xml)
{
    xmlNode *root = xmlDocGetRootElement((const xmlDoc *)xml);
    for (xmlNode *node = root; node;) {
        if (node->type == XML_TEXT_NODE && node->content)
            mir_wipe(node->content, strlen((const char *)node->content));
        if (node->type == XML_ELEMENT_NODE && node->children) {
            node = node->children;
            continue;
        }
        while (node && node != root && !node->next)
            node = node->parent;
        node = node == root ? NULL : node->next;
    }
}

const struct mir_xml_node *mir_xml_root(const struct mir_xml *xml)
{
    return node_of(xmlDocGetRootElement((const xmlDoc *)xml));
}

const char *mir_xml_name(const struct mir_xml_node *node)
{
    return node ? (const char *)of(node)->name : "";
}

/* This sibling or the first one after it that is an element of that name. */
static const struct mir_xml_node *named(const xmlNode *node, const char *name, size_t len)
{
    for (; node; node = node->next) {
        const char *own = (const char *)node->name;
        if (node->type == XML_ELEMENT_NODE && (!name || (!strncmp(own, name, len) && !own[len])))
            return node_of(node);
    }
    return NULL;
}

const struct mir_xml_node *mir_xml_first(const struct mir_xml_node *node, const char *name)
{
    return node ? named(of(node)->children, name, name ? strlen(name) : 0) : NULL;
}

const struct mir_xml_node *mir_xml_next(const struct mir_xml_node *node, const char *name)
{
    return node ? named(of(node)->next, name, name ? strlen(name) : 0) : NULL;
}

const struct mir_xml_node *mir_xml_find(const struct mir_xml_node *node, const char *path)
{
    while (node && *path) {
        size_t len = strcspn(path, "/");
        node = named(of(node)->children, path, len);
        path += len + (path[len] == '/');
    }
    return node;
}

const char *mir_xml_text(const struct mir_xml_node *node)
{
    for (const xmlNode *child = node ? of(node)->children : NULL; child; child = child->next)
        if (child->type == XML_TEXT_NODE && child->content)
            return (const char *)child->content;
    return "";
}

const char *mir_xml_get(const struct mir_xml_node *node, const char *path)
{
    return mir_xml_text(mir_xml_find(node, path));
}
