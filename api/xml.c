/* SPDX-License-Identifier: ISC */
/* libxml2 says what it meets (SAX2), and a tree of our own is made of it: its own has four times
 * the memory and half of the time of a long listing. */
#include "api/xml.h"

#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <libxml/parser.h>

#include "api/buf.h"
#include "api/memory.h"
#include "api/secret.h"
#include "library.h"

#define CHUNK_BYTES ((size_t)64 << 10)

struct mir_xml_node {
    const char *name; /* of the document's dictionary */
    const char *text; /* the first run of character data right inside; NULL: none */
    struct mir_xml_node *first, *next;
    size_t name_len;
};

/* Memory that goes all at once; what is taken of it is not zeroed. */
struct chunk {
    struct chunk *next;
    size_t used, size;
    _Alignas(max_align_t) char bytes[];
};

struct mir_xml {
    xmlDict *names; /* a reference */
    struct mir_xml_node *root;
    struct chunk *nodes, *texts; /* apart, so that texts can be wiped */
};

/* The names of the elements that are kept, by their addresses in the parser's dictionary. */
#define NAMES_MAX 256 /* a power of two; half of it is used at most */
struct names {
    const xmlChar *slots[NAMES_MAX];
    size_t count;
};

/* So much of a document's memory was used. */
struct mark {
    struct chunk *chunk;
    size_t used;
};

/* The rows that are handed over one by one. */
struct rows {
    const xmlChar *path[MIR_XML_DEPTH_MAX]; /* names of the dictionary, from below the root */
    unsigned length, met;                   /* of the path; how far the open elements are on it */
    struct mark nodes, texts;               /* before the row that is read */
    struct mir_xml_node *before;            /* it; NULL: it is the first child */
};

/* A document while it is read. */
struct reader {
    xmlParserCtxt *parser;
    const struct mir_xml_wanted *wanted;
    const struct names *kept; /* NULL: all are */
    unsigned left_out;        /* open elements that are not, or stand in one that is not */
    struct rows rows;
    struct mir_error *err;
    bool row_failed;  /* err says why */
    const char *from; /* what is not yet read of the text, and how much it is */
    size_t left;
    struct mir_xml *xml;
    struct level {
        struct mir_xml_node *node, *last; /* an open element, and its last child */
    } levels[MIR_XML_DEPTH_MAX];
    unsigned depth;
    struct mir_buf run;  /* of character data, which comes in pieces */
    const char *refused; /* NULL: nothing but what libxml2 says */
};

/* --- libxml2 --- */

#define FUNCTIONS(X)                                                                               \
    X(xmlCtxtGetLastError)                                                                         \
    X(xmlCtxtReadIO)                                                                               \
    X(xmlDictFree)                                                                                 \
    X(xmlDictLookup)                                                                               \
    X(xmlDictReference)                                                                            \
    X(xmlFreeDoc)                                                                                  \
    X(xmlFreeParserCtxt)                                                                           \
    X(xmlInitParser)                                                                               \
    X(xmlNewParserCtxt)                                                                            \
    X(xmlStopParser)

static struct {
    FUNCTIONS(MIR_LIBRARY_MEMBER)
} loaded;

static const struct mir_library_symbol symbols[] = {FUNCTIONS(MIR_LIBRARY_SYMBOL)};

static int begin_xml(void)
{
    loaded.xmlInitParser();
    return 0;
}

static struct mir_library libxml = {.file = "libxml2.so.2",
                                    .package = "libxml2",
                                    .symbols = symbols,
                                    .count = MIR_NELEMS(symbols),
                                    .begin = begin_xml,
                                    .lock = PTHREAD_MUTEX_INITIALIZER};

/* --- memory --- */

static void *take(struct chunk **chunks, size_t len)
{
    struct chunk *chunk = *chunks;
    if (!chunk || chunk->size - chunk->used < len) {
        size_t size = len > CHUNK_BYTES ? len : CHUNK_BYTES;
        chunk = mir_realloc(NULL, 1, sizeof *chunk + size);
        chunk->next = *chunks;
        chunk->used = 0;
        chunk->size = size;
        *chunks = chunk;
    }
    void *taken = chunk->bytes + chunk->used;
    chunk->used += len;
    return taken;
}

static struct mark mark_of(struct chunk *chunks)
{
    return (struct mark){chunks, chunks ? chunks->used : 0};
}

static void give_back(struct chunk **chunks, struct mark mark)
{
    while (*chunks != mark.chunk) {
        struct chunk *next = (*chunks)->next;
        free(*chunks);
        *chunks = next;
    }
    if (*chunks)
        (*chunks)->used = mark.used;
}

/* --- which elements are kept --- */

static size_t slot_of(const struct names *names, const xmlChar *name)
{
    size_t slot = ((uintptr_t)name * UINT64_C(0x9e3779b97f4a7c15)) >> 56;
    while (names->slots[slot] && names->slots[slot] != name)
        slot = (slot + 1) % NAMES_MAX;
    return slot;
}

static bool is_kept(const struct names *names, const xmlChar *name)
{
    return names->slots[slot_of(names, name)] != NULL;
}

static const xmlChar *next_name(xmlDict *dictionary, const char **path)
{
    size_t len = strcspn(*path, "/");
    const xmlChar *name = loaded.xmlDictLookup(dictionary, (const xmlChar *)*path, (int)len);
    if (!name)
        mir_memory_out();
    *path += len + ((*path)[len] == '/');
    return name;
}

/* false: all are to be kept, or they are too many to tell. */
static bool keep_paths(struct names *names, xmlDict *dictionary, const char *const *paths,
                       size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (const char *path = paths[i]; *path;) {
            const xmlChar *name = next_name(dictionary, &path);
            size_t slot = slot_of(names, name);
            if (!names->slots[slot] && ++names->count > NAMES_MAX / 2)
                return false;
            names->slots[slot] = name;
        }
    return count > 0;
}

static void find_rows(struct reader *r, const char *path)
{
    while (path && *path && r->rows.length < MIR_XML_DEPTH_MAX)
        r->rows.path[r->rows.length++] = next_name(r->xml->names, &path);
}

/* --- what the parser meets --- */

static void refuse(struct reader *r, const char *why)
{
    r->refused = why;
    loaded.xmlStopParser(r->parser);
}

static struct level *innermost(struct reader *r)
{
    return r->depth ? &r->levels[r->depth - 1] : NULL;
}

static void end_run(struct reader *r)
{
    struct level *level = innermost(r);
    size_t len = r->run.len;
    if (!level || !len)
        return;
    char *text = take(&r->xml->texts, len + 1);
    memcpy(text, r->run.data, len);
    text[len] = '\0';
    level->node->text = text;
    mir_buf_reset(&r->run);
}

/* As the root, or behind the last child of the innermost open element. */
static void add_node(struct reader *r, struct mir_xml_node *node)
{
    struct level *level = innermost(r);
    if (!level) {
        r->xml->root = node;
        return;
    }
    if (level->last)
        level->last->next = node;
    else
        level->node->first = node;
    level->last = node;
}

/* An element opens that is on the path of the rows: it may be one. */
static void meet_row(struct reader *r, const xmlChar *name)
{
    struct rows *rows = &r->rows;
    if (!r->depth || r->depth != rows->met + 1 || rows->met == rows->length ||
        rows->path[rows->met] != name)
        return;
    if (++rows->met < rows->length)
        return;
    rows->nodes = mark_of(r->xml->nodes);
    rows->texts = mark_of(r->xml->texts);
    rows->before = r->levels[r->depth - 1].last;
}

/* An element has closed that was on it. */
static void leave_row(struct reader *r, const struct mir_xml_node *node)
{
    struct rows *rows = &r->rows;
    if (!r->depth || r->depth != rows->met)
        return;
    if (rows->met-- < rows->length)
        return;
    if (r->wanted->row(r->wanted->ctx, node, r->err)) {
        r->row_failed = true;
        refuse(r, "a row of it");
        return;
    }
    struct level *parent = &r->levels[r->depth - 1];
    parent->last = rows->before;
    *(rows->before ? &rows->before->next : &parent->node->first) = NULL;
    give_back(&r->xml->nodes, rows->nodes);
    give_back(&r->xml->texts, rows->texts);
}

static void open_element(void *ctx, const xmlChar *name, const xmlChar *prefix,
                         const xmlChar *space, int space_count, const xmlChar **spaces,
                         int attribute_count, int default_count, const xmlChar **attributes)
{
    struct reader *r = ctx;
    end_run(r);
    if (r->depth + r->left_out == MIR_XML_DEPTH_MAX) {
        refuse(r, "its elements are nested too deeply");
        return;
    }
    if (r->left_out || (r->depth && r->kept && !is_kept(r->kept, name))) {
        r->left_out++;
        return;
    }
    meet_row(r, name);
    struct mir_xml_node *node = take(&r->xml->nodes, sizeof *node);
    *node =
        (struct mir_xml_node){.name = (const char *)name, .name_len = strlen((const char *)name)};
    add_node(r, node);
    r->levels[r->depth++] = (struct level){node, NULL};
}

static void close_element(void *ctx, const xmlChar *name, const xmlChar *prefix,
                          const xmlChar *space)
{
    struct reader *r = ctx;
    if (r->refused) /* the parser goes on to the end of what it is at */
        return;
    if (r->left_out) {
        r->left_out--;
        return;
    }
    end_run(r);
    r->depth--;
    leave_row(r, r->levels[r->depth].node);
}

static void add_text(void *ctx, const xmlChar *text, int len)
{
    struct reader *r = ctx;
    struct level *level = innermost(r);
    if (level && !level->node->text && !r->left_out)
        mir_buf_add(&r->run, text, (size_t)len);
}

static void refuse_doctype(void *ctx, const xmlChar *name, const xmlChar *external,
                           const xmlChar *system_id)
{
    refuse(ctx, "it declares a document type");
}

/* --- a document --- */

static void why_not(const struct reader *r, struct mir_error *err)
{
    const xmlError *last = loaded.xmlCtxtGetLastError(r->parser);
    const char *reason = last && last->message ? last->message : "it is no document";
    if (r->row_failed)
        return; /* the row has said so */
    if (r->refused)
        mir_fail(err, MIR_CORRUPT, "not the XML that is read here: %s", r->refused);
    else
        mir_fail(err, MIR_CORRUPT, "not XML: line %d: %.*s", last ? last->line : 0,
                 (int)strcspn(reason, "\r\n"), reason);
}

static int next_piece(void *ctx, char *to, int room)
{
    struct reader *r = ctx;
    size_t len = r->left < (size_t)room ? r->left : (size_t)room;
    memcpy(to, r->from, len);
    r->from += len;
    r->left -= len;
    return (int)len;
}

/* -1: it is none, or not what is read here. */
static int read_all(struct reader *r)
{
    xmlSAXHandler *sax = r->parser->sax;
    *sax = (xmlSAXHandler){.initialized = XML_SAX2_MAGIC,
                           .internalSubset = refuse_doctype,
                           .startElementNs = open_element,
                           .endElementNs = close_element,
                           .characters = add_text,
                           .ignorableWhitespace = add_text,
                           .cdataBlock = add_text};
    r->parser->userData = r;
    /* Piece by piece: from memory it would copy all of it first. */
    xmlDoc *none = loaded.xmlCtxtReadIO(r->parser, next_piece, NULL, r, NULL, "UTF-8",
                                        XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    loaded.xmlFreeDoc(none); /* of nothing: nobody makes it */
    return r->parser->wellFormed && r->xml->root && !r->refused ? 0 : -1;
}

struct mir_xml *mir_xml_parse(const char *text, size_t len, size_t max_bytes, struct mir_error *err)
{
    static const struct mir_xml_wanted all;
    return mir_xml_parse_wanted(text, len, max_bytes, &all, err);
}

struct mir_xml *mir_xml_parse_wanted(const char *text, size_t len, size_t max_bytes,
                                     const struct mir_xml_wanted *wanted, struct mir_error *err)
{
    struct names names = {.count = 0};
    if (len > max_bytes || len > INT_MAX) {
        mir_fail(err, MIR_CORRUPT, "XML document of %zu bytes; at most %zu are taken", len,
                 max_bytes);
        return NULL;
    }
    if (mir_library_need(&libxml, err))
        return NULL;
    struct reader r = {.parser = loaded.xmlNewParserCtxt(),
                       .wanted = wanted,
                       .err = err,
                       .from = len ? text : "",
                       .left = len,
                       .xml = mir_calloc(1, sizeof *r.xml)};
    if (!r.parser)
        mir_memory_out();
    mir_buf_init(&r.run, max_bytes);
    r.xml->names = r.parser->dict;
    loaded.xmlDictReference(r.xml->names);
    if (keep_paths(&names, r.xml->names, wanted->paths, wanted->path_count))
        r.kept = &names;
    find_rows(&r, wanted->each);
    int rc = read_all(&r);
    if (rc)
        why_not(&r, err);
    loaded.xmlFreeParserCtxt(r.parser);
    mir_wipe(r.run.data, r.run.cap);
    mir_buf_clear(&r.run);
    if (!rc)
        return r.xml;
    mir_xml_free(r.xml);
    return NULL;
}

void mir_xml_free(struct mir_xml *xml)
{
    if (!xml)
        return;
    give_back(&xml->nodes, (struct mark){NULL, 0});
    give_back(&xml->texts, (struct mark){NULL, 0});
    loaded.xmlDictFree(xml->names);
    free(xml);
}

void mir_xml_wipe(struct mir_xml *xml)
{
    for (struct chunk *chunk = xml->texts; chunk; chunk = chunk->next)
        mir_wipe(chunk->bytes, chunk->used);
}

/* --- its elements --- */

const struct mir_xml_node *mir_xml_root(const struct mir_xml *xml)
{
    return xml->root;
}

const char *mir_xml_name(const struct mir_xml_node *node)
{
    return node ? node->name : "";
}

/* This sibling or the first one after it of that name (NULL: of any). */
static const struct mir_xml_node *named(const struct mir_xml_node *node, const char *name,
                                        size_t len)
{
    while (node && name && (node->name_len != len || memcmp(node->name, name, len) != 0))
        node = node->next;
    return node;
}

const struct mir_xml_node *mir_xml_first(const struct mir_xml_node *node, const char *name)
{
    return node ? named(node->first, name, name ? strlen(name) : 0) : NULL;
}

const struct mir_xml_node *mir_xml_next(const struct mir_xml_node *node, const char *name)
{
    return node ? named(node->next, name, name ? strlen(name) : 0) : NULL;
}

const struct mir_xml_node *mir_xml_find(const struct mir_xml_node *node, const char *path)
{
    while (node && *path) {
        size_t len = strcspn(path, "/");
        node = named(node->first, path, len);
        path += len + (path[len] == '/');
    }
    return node;
}

const char *mir_xml_text(const struct mir_xml_node *node)
{
    return node && node->text ? node->text : "";
}

const char *mir_xml_get(const struct mir_xml_node *node, const char *path)
{
    return mir_xml_text(mir_xml_find(node, path));
}
