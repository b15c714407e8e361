/* SPDX-License-Identifier: ISC */
#include "coverage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/flag.h"
#include "api/memory.h"
#include "api/secret.h"

/* A table's leaves are numbered in their order, those of inner lists in between; each has a mark.
 */
struct marks {
    const struct ec2_operation *operation;
    bool *sent, *came; /* owned */
    bool called, asked;
    struct marks *next;
};

static struct marks *all_marks;

static size_t leaves(const struct mir_table *table)
{
    size_t count = 0;
    for (size_t i = 0; table && i < table->count; i++)
        count += table->fields[i].of ? leaves(table->fields[i].of) : 1;
    return count;
}

static struct marks *marks_of(const struct ec2_operation *operation)
{
    struct marks *marks = all_marks;
    while (marks && marks->operation != operation)
        marks = marks->next;
    if (marks)
        return marks;
    marks = mir_calloc(1, sizeof *marks);
    *marks = (struct marks){operation,
                            mir_calloc(leaves(operation->request) + 1, sizeof(bool)),
                            mir_calloc(leaves(operation->reply) + 1, sizeof(bool)),
                            false,
                            false,
                            all_marks};
    all_marks = marks;
    return marks;
}

/* --- is there a value? --- */

typedef bool has_fn(const void *member, size_t count);

static bool has_text(const void *member, size_t count)
{
    const char *text = *(const char *const *)member;
    return text && *text;
}

static bool has_chars(const void *member, size_t count)
{
    return *(const char *)member != '\0';
}

static bool has_number(const void *member, size_t count)
{
    return *(const int64_t *)member != 0;
}

static bool has_true(const void *member, size_t count)
{
    return *(const bool *)member;
}

static bool has_flag(const void *member, size_t count)
{
    return *(const enum mir_flag *)member != MIR_UNSAID;
}

static bool has_secret(const void *member, size_t count)
{
    return ((const struct mir_secret *)member)->len > 0;
}

static bool has_some(const void *member, size_t count)
{
    return count > 0;
}

static bool has_always(const void *member, size_t count)
{
    return true;
}

static has_fn *const has[MIR_FIELD_KIND_COUNT] = {
    [MIR_PUT_TEXT] = has_text,   [MIR_PUT_NUMBER] = has_number, [MIR_PUT_ALWAYS] = has_always,
    [MIR_PUT_TRUE] = has_true,   [MIR_PUT_FLAG] = has_flag,     [MIR_PUT_TIME] = has_number,
    [MIR_PUT_BASE64] = has_some, [MIR_PUT_EMPTY] = has_text,    [MIR_PUT_IDS] = has_some,
    [MIR_PUT_TEXTS] = has_some,  [MIR_GET_TEXT] = has_chars,    [MIR_GET_CUT] = has_chars,
    [MIR_GET_OWNED] = has_text,  [MIR_GET_NUMBER] = has_number, [MIR_GET_TRUE] = has_true,
    [MIR_GET_TIME] = has_number, [MIR_GET_SECRET] = has_secret, [MIR_GET_BASE64] = has_some,
};

static bool counts(enum mir_field_kind kind)
{
    return mir_kind_texts(kind) || kind == MIR_PUT_BASE64 || kind == MIR_PUT_LIST ||
           kind == MIR_GET_BASE64 || kind == MIR_GET_LIST;
}

static void mark(const struct mir_table *table, const void *record, bool *marks)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct mir_field *field = &table->fields[i];
        const char *member = (const char *)record + field->at;
        size_t count = counts(field->kind)
                           ? *(const size_t *)(const void *)((const char *)record + field->count_at)
                           : 1;
        if (!field->of) {
            *marks = *marks || has[field->kind](member, count);
            marks++;
            continue;
        }
        const char *rows = *(const char *const *)(const void *)member;
        for (size_t k = 0; k < count; k++)
            mark(field->of, rows + k * field->of->size, marks);
        marks += leaves(field->of);
    }
}

void covered(const struct ec2_operation *operation, const void *args, const void *ret)
{
    struct marks *marks = marks_of(operation);
    marks->called = true;
    if (args && operation->request) {
        marks->asked = true;
        mark(operation->request, args, marks->sent);
    }
    if (ret && operation->reply)
        mark(operation->reply, ret, marks->came);
}

const struct ec2_operation *covered_operation(const char *name)
{
    for (size_t i = 0; ec2_operation_lists[i]; i++)
        for (const struct ec2_operation *o = ec2_operation_lists[i]; o->name; o++)
            if (!strcmp(o->name, name))
                return o;
    return NULL;
}

/* --- the report --- */

struct report {
    const struct coverage_gap *gaps;
    size_t count, wrong;
    bool *used; /* gaps that something was missing for; owned */
    const char *operation;
};

static bool stands_for(const struct coverage_gap *gap, const char *operation, const char *name)
{
    size_t len = strlen(gap->name);
    if (strcmp(gap->operation, operation) != 0)
        return false;
    if (len && gap->name[len - 1] == '*')
        return !strncmp(gap->name, name, len - 1);
    return !strcmp(gap->name, name);
}

static void missing(struct report *report, const char *name, const char *what)
{
    bool known = false;
    for (size_t i = 0; i < report->count; i++)
        if (stands_for(&report->gaps[i], report->operation, name))
            known = report->used[i] = true;
    if (known)
        return;
    report->wrong++;
    printf("# %s: %s %s\n", report->operation, name, what);
}

static const bool *report_table(struct report *report, const char *prefix,
                                const struct mir_table *table, const char *separator,
                                const bool *marks, const char *what)
{
    for (size_t i = 0; table && i < table->count; i++) {
        const struct mir_field *field = &table->fields[i];
        bool inside = *prefix && *field->name;
        mir_auto_free char *name =
            mir_format("%s%s%s", prefix, inside ? separator : "", field->name);
        if (field->of) {
            mir_auto_free char *list = mir_format("%s[]", name);
            marks = report_table(report, list, field->of, separator, marks, what);
        } else if (!*marks++) {
            missing(report, name, what);
        }
    }
    return marks;
}

static void report_operation(struct report *report, const struct ec2_operation *operation)
{
    struct marks *marks = marks_of(operation);
    report->operation = operation->name;
    if (!marks->called) {
        missing(report, "", "was not made");
        return;
    }
    if (marks->asked)
        report_table(report, "", operation->request, ".", marks->sent, "was never sent");
    else if (operation->request)
        missing(report, "(parameters)", "were not looked at");
    report_table(report, "", operation->reply, "/", marks->came, "never came");
}

static void forget(void)
{
    while (all_marks) {
        struct marks *next = all_marks->next;
        free(all_marks->sent);
        free(all_marks->came);
        free(all_marks);
        all_marks = next;
    }
}

size_t coverage_report(const struct coverage_gap *gaps, size_t count)
{
    struct report report = {gaps, count, 0, mir_calloc(count + 1, sizeof(bool)), NULL};
    for (size_t i = 0; ec2_operation_lists[i]; i++)
        for (const struct ec2_operation *o = ec2_operation_lists[i]; o->name; o++)
            report_operation(&report, o);
    for (size_t i = 0; i < count; i++)
        if (!report.used[i]) {
            report.wrong++;
            printf("# %s: '%s' is no gap any more\n", gaps[i].operation, gaps[i].name);
        }
    free(report.used);
    forget();
    return report.wrong;
}
