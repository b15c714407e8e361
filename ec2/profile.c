/* SPDX-License-Identifier: ISC */
#include "profile.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api/cleanup.h"
#include "api/file.h"
#include "api/memory.h"
#include "words.h"

#define NONE SIZE_MAX

/* A section that nobody asks for (a badly named one) is kept like the others, so that its lines
 * obey the same grammar. */
#define IGNORED (-1)

struct section {
    int kind; /* of enum ec2_section, or IGNORED */
    enum ec2_profile_file file;
    bool prefixed; /* written as [profile NAME] */
    char *name;    /* owned */
};

struct item {
    size_t section;
    struct ec2_property property; /* key, sub and value owned */
};

struct ec2_profiles {
    struct section *sections;
    size_t section_count, section_room;
    struct item *items;
    size_t item_count, item_room;
    size_t continued; /* lines that continue a value */
    char *paths[8];   /* of the files */
    size_t path_count;
    char *warnings[EC2_PROFILE_WARNINGS_MAX];
    size_t warning_count;
};

/* Where a text is read. */
struct parser {
    struct ec2_profiles *list;
    enum ec2_profile_file file;
    const char *path;
    unsigned line;
    size_t section; /* NONE before the first */
    size_t item;    /* whose value the next deeper line continues; NONE: no such */
    size_t indent;  /* of that item's key */
};

/* A piece of the text. */
struct piece {
    const char *at;
    size_t len;
};

static char *own(const char *text)
{
    return (char *)(uintptr_t)text;
}

static void wipe(const char *text)
{
    if (text)
        explicit_bzero(own(text), strlen(text));
    free(own(text));
}

struct ec2_profiles *ec2_profiles_new(void)
{
    return mir_calloc(1, sizeof(struct ec2_profiles));
}

void ec2_profiles_free(struct ec2_profiles *list)
{
    if (!list)
        return;
    for (size_t i = 0; i < list->section_count; i++)
        free(list->sections[i].name);
    for (size_t i = 0; i < list->item_count; i++) {
        free(own(list->items[i].property.key));
        free(own(list->items[i].property.sub));
        wipe(list->items[i].property.value);
    }
    for (size_t i = 0; i < list->path_count; i++)
        free(list->paths[i]);
    for (size_t i = 0; i < list->warning_count && i < EC2_PROFILE_WARNINGS_MAX; i++)
        free(list->warnings[i]);
    free(list->sections);
    free(list->items);
    free(list);
}

/* --- pieces of text --- */

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

static struct piece trim(struct piece p)
{
    while (p.len > 0 && blank(*p.at)) {
        p.at++;
        p.len--;
    }
    while (p.len > 0 && blank(p.at[p.len - 1]))
        p.len--;
    return p;
}

static char *copy(struct piece p)
{
    char *text = mir_calloc(p.len + 1, 1);
    memcpy(text, p.at, p.len);
    return text;
}

static char *copy_lower(struct piece p)
{
    char *text = copy(p);
    for (char *c = text; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return text;
}

static bool comment_sign(char c)
{
    return c == '#' || c == ';';
}

/* The piece without a comment that white space separates from it. */
static struct piece without_comment(struct piece p)
{
    for (size_t i = 1; i < p.len; i++)
        if (comment_sign(p.at[i]) && blank(p.at[i - 1])) {
            p.len = i;
            break;
        }
    return trim(p);
}

/* --- building the collection --- */

static int complain(const struct parser *in, struct mir_error *err, const char *what)
{
    mir_fail(err, MIR_USAGE, "%s:%u: %s", in->path, in->line, what);
    return mir_error_hint(err, "lines are `[profile NAME]`, `key = value`, or comments with #");
}

static void warn(struct parser *in, const char *what)
{
    struct ec2_profiles *list = in->list;
    if (list->warning_count < EC2_PROFILE_WARNINGS_MAX)
        list->warnings[list->warning_count] = mir_format("%s:%u: %s", in->path, in->line, what);
    list->warning_count++;
}

static int check_limit(const struct parser *in, struct mir_error *err)
{
    const struct ec2_profiles *list = in->list;
    if (list->section_count + list->item_count + list->continued < EC2_PROFILE_ITEMS_MAX)
        return 0;
    return mir_fail(err, MIR_CORRUPT, "%s:%u: more than %d sections and keys", in->path, in->line,
                    EC2_PROFILE_ITEMS_MAX);
}

static int room_for_one(struct parser *in, struct mir_error *err)
{
    struct ec2_profiles *list = in->list;
    if (check_limit(in, err))
        return -1;
    if (list->section_count == list->section_room) {
        list->section_room = list->section_room ? 2 * list->section_room : 16;
        list->sections = mir_realloc(list->sections, list->section_room, sizeof *list->sections);
    }
    if (list->item_count == list->item_room) {
        list->item_room = list->item_room ? 2 * list->item_room : 64;
        list->items = mir_realloc(list->items, list->item_room, sizeof *list->items);
    }
    return 0;
}

static bool same_section(const struct section *s, int kind, const char *name)
{
    return s->kind == kind && !strcmp(s->name, name);
}

/* [profile default] and [default] are never one section: with both, the first form counts. */
static bool shadowed_default(struct parser *in, const char *name, bool prefixed)
{
    struct ec2_profiles *list = in->list;
    if (in->file != EC2_FILE_CONFIG || strcmp(name, "default") != 0)
        return false;
    for (size_t i = 0; i < list->section_count; i++) {
        struct section *s = &list->sections[i];
        if (s->file != in->file || !same_section(s, EC2_SECTION_PROFILE, name))
            continue;
        if (s->prefixed && !prefixed) {
            warn(in, "[default] is ignored: there is a [profile default]");
            return true;
        }
        if (!s->prefixed && prefixed) {
            warn(in, "[profile default] replaces the [default] above");
            s->kind = IGNORED;
        }
    }
    return false;
}

/* Takes the name. */
static int enter_section(struct parser *in, int kind, char *name, bool prefixed,
                         struct mir_error *err)
{
    struct ec2_profiles *list = in->list;
    in->item = NONE;
    if (kind == EC2_SECTION_PROFILE && shadowed_default(in, name, prefixed))
        kind = IGNORED;
    for (size_t i = 0; i < list->section_count; i++)
        if (list->sections[i].file == in->file && same_section(&list->sections[i], kind, name)) {
            in->section = i;
            free(name);
            return 0;
        }
    if (room_for_one(in, err)) {
        free(name);
        return -1;
    }
    in->section = list->section_count++;
    list->sections[in->section] = (struct section){kind, in->file, prefixed, name};
    return 0;
}

static int add_item(struct parser *in, char *key, char *sub, char *value, struct mir_error *err)
{
    if (room_for_one(in, err)) {
        free(key);
        free(sub);
        wipe(value);
        return -1;
    }
    in->list->items[in->list->item_count++] =
        (struct item){in->section, {key, sub, value, in->path, in->line, in->file}};
    return 0;
}

/* --- lines --- */

static const struct prefix {
    const char *word;
    enum ec2_section kind;
} prefixes[] = {{"profile", EC2_SECTION_PROFILE},
                {"services", EC2_SECTION_SERVICES},
                {"sso-session", EC2_SECTION_SSO_SESSION}};

/* The row whose word the head begins with; *ret_rest is what follows the white space. */
static const struct prefix *find_prefix(struct piece head, struct piece *ret_rest)
{
    for (size_t i = 0; i < MIR_NELEMS(prefixes); i++) {
        size_t len = strlen(prefixes[i].word);
        if (head.len < len || memcmp(head.at, prefixes[i].word, len) != 0)
            continue;
        if (head.len > len && !blank(head.at[len]))
            continue;
        *ret_rest = trim((struct piece){head.at + len, head.len - len});
        return &prefixes[i];
    }
    return NULL;
}

static int config_section(struct parser *in, struct piece head, struct mir_error *err)
{
    struct piece rest;
    const struct prefix *prefix = find_prefix(head, &rest);
    if (!prefix) {
        bool is_default = head.len == 7 && !memcmp(head.at, "default", 7);
        if (!is_default)
            warn(in, "ignored: profiles are written as [profile NAME] in this file");
        return enter_section(in, is_default ? EC2_SECTION_PROFILE : IGNORED, copy(head), false,
                             err);
    }
    size_t count = 0;
    char **words = ec2_words_split(rest.at, rest.len, &count, NULL);
    char *name = count == 1 && *words[0] ? mir_strdup(words[0]) : NULL;
    ec2_words_free(words);
    if (name)
        return enter_section(in, (int)prefix->kind, name, true, err);
    warn(in, "ignored: the section has to have one name");
    return enter_section(in, IGNORED, copy(head), false, err);
}

static int credentials_section(struct parser *in, struct piece head, struct mir_error *err)
{
    struct piece rest;
    const struct prefix *prefix = find_prefix(head, &rest);
    if (prefix && rest.len > 0) {
        warn(in, "ignored: this file has bare names, [NAME]");
        return enter_section(in, IGNORED, copy(head), false, err);
    }
    return enter_section(in, EC2_SECTION_PROFILE, copy(head), false, err);
}

static int section_line(struct parser *in, struct piece p, struct mir_error *err)
{
    const char *end = memchr(p.at, ']', p.len);
    if (!end)
        return complain(in, err, "the section's ] is missing");
    struct piece head = trim((struct piece){p.at + 1, (size_t)(end - p.at) - 1});
    struct piece behind = trim((struct piece){end + 1, p.len - (size_t)(end - p.at) - 1});
    if (head.len == 0)
        return complain(in, err, "a section without a name");
    if (behind.len > 0 && !comment_sign(*behind.at))
        warn(in, "what follows the section's ] is ignored");
    return in->file == EC2_FILE_CONFIG ? config_section(in, head, err)
                                       : credentials_section(in, head, err);
}

static int property_line(struct parser *in, struct piece p, size_t indent, struct mir_error *err)
{
    if (in->section == NONE)
        return complain(in, err, "a line before the first section");
    size_t sign = 0;
    while (sign < p.len && p.at[sign] != '=' && p.at[sign] != ':')
        sign++;
    struct piece key = trim((struct piece){p.at, sign});
    if (sign == p.len || key.len == 0)
        return complain(in, err, sign == p.len ? "no = in it" : "nothing before the =");
    struct piece value = without_comment((struct piece){p.at + sign + 1, p.len - sign - 1});
    if (add_item(in, copy_lower(key), mir_strdup(""), copy(value), err))
        return -1;
    in->item = in->list->item_count - 1;
    in->indent = indent;
    return 0;
}

static int continue_value(struct parser *in, struct ec2_property *above, struct piece p,
                          struct mir_error *err)
{
    size_t was = strlen(above->value);
    if (check_limit(in, err))
        return -1;
    if (was + p.len >= EC2_PROFILE_VALUE_MAX)
        return mir_fail(err, MIR_CORRUPT, "%s:%u: a value of more than %d bytes", in->path,
                        in->line, EC2_PROFILE_VALUE_MAX);
    char *joined = mir_calloc(was + p.len + 2, 1);
    memcpy(joined, above->value, was);
    joined[was] = '\n';
    memcpy(joined + was + 1, p.at, p.len);
    wipe(above->value);
    above->value = joined;
    in->list->continued++;
    return 0;
}

/* A deeper line: a sub-property of a key without a value, else more of the value. */
static int deeper_line(struct parser *in, struct piece p, struct mir_error *err)
{
    struct ec2_property *above = &in->list->items[in->item].property;
    if (*above->value)
        return continue_value(in, above, p, err);
    const char *sign = memchr(p.at, '=', p.len);
    struct piece key = sign ? trim((struct piece){p.at, (size_t)(sign - p.at)}) : p;
    if (!sign || key.len == 0)
        return complain(in, err, "not a setting, and no value above that it could continue");
    struct piece value = trim((struct piece){sign + 1, (size_t)(p.at + p.len - sign) - 1});
    return add_item(in, mir_strdup(above->key), copy(key), copy(value), err);
}

static int read_line(struct parser *in, struct piece line, struct mir_error *err)
{
    struct piece p = trim(line);
    if (p.len == 0 || comment_sign(*p.at))
        return 0;
    size_t indent = (size_t)(p.at - line.at);
    if (in->item != NONE && indent > in->indent)
        return deeper_line(in, p, err);
    return *p.at == '[' ? section_line(in, p, err) : property_line(in, p, indent, err);
}

int ec2_profiles_parse(struct ec2_profiles *list, enum ec2_profile_file file, const char *path,
                       const char *text, size_t len, struct mir_error *err)
{
    if (memchr(text, '\0', len))
        return mir_fail(err, MIR_CORRUPT, "%s: not a text file", path);
    if (list->path_count == MIR_NELEMS(list->paths))
        return mir_fail(err, MIR_INTERNAL, "too many configuration files");
    char *kept = list->paths[list->path_count++] = mir_strdup(path);
    struct parser in = {list, file, kept, 0, NONE, NONE, 0};
    if (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) {
        text += 3;
        len -= 3;
    }
    while (len > 0) {
        const char *end = memchr(text, '\n', len);
        struct piece line = {text, end ? (size_t)(end - text) : len};
        in.line++;
        if (read_line(&in, line, err))
            return -1;
        size_t used = line.len + (end != NULL);
        text += used;
        len -= used;
    }
    return 0;
}

int ec2_profiles_read(struct ec2_profiles *list, enum ec2_profile_file file, const char *path,
                      bool *ret_found, struct mir_error *err)
{
    struct mir_error local = {0};
    char *text = NULL;
    size_t len = 0;
    if (mir_file_read(path, EC2_PROFILE_FILE_MAX, &text, &len, &local)) {
        bool absent = local.sys_errno == ENOENT || local.sys_errno == ENOTDIR;
        if (absent && ret_found)
            *ret_found = false;
        if (!absent && err)
            *err = local;
        return absent ? 0 : -1;
    }
    int rc = ec2_profiles_parse(list, file, path, text, len, err);
    explicit_bzero(text, len);
    free(text);
    if (!rc && ret_found)
        *ret_found = true;
    return rc;
}

/* --- asking --- */

bool ec2_profiles_has(const struct ec2_profiles *list, enum ec2_section kind, const char *name)
{
    for (size_t i = 0; i < list->section_count; i++)
        if (same_section(&list->sections[i], (int)kind, name))
            return true;
    return false;
}

const struct ec2_property *ec2_profiles_get_in(const struct ec2_profiles *list,
                                               enum ec2_profile_file file, enum ec2_section kind,
                                               const char *name, const char *key, const char *sub)
{
    for (size_t i = list->item_count; i-- > 0;) {
        const struct item *item = &list->items[i];
        if (item->property.file == file && !strcmp(item->property.key, key) &&
            !strcmp(item->property.sub, sub ? sub : "") &&
            same_section(&list->sections[item->section], (int)kind, name))
            return &item->property;
    }
    return NULL;
}

const struct ec2_property *ec2_profiles_get(const struct ec2_profiles *list, enum ec2_section kind,
                                            const char *name, const char *key, const char *sub)
{
    const struct ec2_property *found =
        ec2_profiles_get_in(list, EC2_FILE_CREDENTIALS, kind, name, key, sub);
    return found ? found : ec2_profiles_get_in(list, EC2_FILE_CONFIG, kind, name, key, sub);
}

const char *ec2_profiles_name(const struct ec2_profiles *list, enum ec2_section kind, size_t at)
{
    for (size_t i = 0; i < list->section_count; i++) {
        const struct section *s = &list->sections[i];
        bool again = false;
        for (size_t k = 0; k < i && !again; k++)
            again = same_section(&list->sections[k], (int)kind, s->name);
        if (s->kind == (int)kind && !again && at-- == 0)
            return s->name;
    }
    return NULL;
}

const struct ec2_property *ec2_profiles_property(const struct ec2_profiles *list,
                                                 enum ec2_section kind, const char *name, size_t at)
{
    for (size_t i = 0; i < list->item_count; i++) {
        const struct ec2_property *p = &list->items[i].property;
        if (same_section(&list->sections[list->items[i].section], (int)kind, name) &&
            ec2_profiles_get(list, kind, name, p->key, p->sub) == p && at-- == 0)
            return p;
    }
    return NULL;
}

const char *ec2_profiles_warning(const struct ec2_profiles *list, size_t at)
{
    return at < list->warning_count && at < EC2_PROFILE_WARNINGS_MAX ? list->warnings[at] : NULL;
}
