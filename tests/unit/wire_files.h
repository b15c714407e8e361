/* SPDX-License-Identifier: ISC */
/*
 * Requests and replies that stand in files: <folder>/<Operation>/<scenario>/request and reply, more
 * of them in a scenario are request-2, reply-2, ... A request has to be, byte for byte, what its
 * file says (a form's parameters one a line). MIRAGE_WIRE_RECORD=1 writes the requests instead;
 * look at them then.
 */
#ifndef TESTS_WIRE_FILES_H
#define TESTS_WIRE_FILES_H

#include "script_server.h"

#include <sys/stat.h>

#include "api/buf.h"

static const char *wire_folder;

/* The headers that a file has. */
struct wire_headers {
    const char *const *names;
    size_t count;
};

/* The text of a file, owned; NULL: there is none. "reply", and of a later number "reply-2". */
static inline char *wire_read(const char *where, const char *kind, size_t number)
{
    mir_auto_free char *path =
        number ? mir_format("%s/%s/%s-%zu", wire_folder, where, kind, number + 1)
               : mir_format("%s/%s/%s", wire_folder, where, kind);
    char *text = NULL;
    return mir_file_read(path, 1 << 20, &text, NULL, NULL) ? NULL : text;
}

static inline void wire_write(const char *where, size_t number, const char *text)
{
    mir_auto_free char *path = number
                                   ? mir_format("%s/%s/request-%zu", wire_folder, where, number + 1)
                                   : mir_format("%s/%s/request", wire_folder, where);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

/* A request as its file has it, owned: first line, the headers that say what it is, and the body.
 */
static inline char *wire_render(const char *request, const struct wire_headers *headers)
{
    struct mir_buf out;
    mir_buf_init(&out, 1 << 20);
    mir_buf_addf(&out, "%.*s\n", (int)strcspn(request, "\r"), request);
    for (size_t i = 0; i < headers->count; i++) {
        mir_auto_free char *value = script_header(request, headers->names[i]);
        if (value)
            mir_buf_addf(&out, "%s: %s\n", headers->names[i], value);
    }
    mir_buf_adds(&out, "\n");
    for (const char *p = script_body(request); *p; p++)
        mir_buf_addf(&out, *p == '&' ? "\n%c" : "%c", *p);
    if (*script_body(request))
        mir_buf_adds(&out, "\n");
    return mir_buf_take(&out);
}

static inline void wire_compare(const char *where, size_t number, const char *request,
                                const struct wire_headers *headers)
{
    mir_auto_free char *seen = wire_render(request, headers);
    if (getenv("MIRAGE_WIRE_RECORD")) {
        wire_write(where, number, seen);
        return;
    }
    mir_auto_free char *wanted = wire_read(where, "request", number);
    if (!wanted || strcmp(seen, wanted) != 0)
        fail_msg("%s: request %zu is\n%s", where, number + 1, seen);
}

#endif
