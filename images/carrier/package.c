/* SPDX-License-Identifier: ISC */
#include "package.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "api/json.h"
#include "api/memory.h"

#define NAME_LETTERS "abcdefghijklmnopqrstuvwxyz0123456789+-."
#define VERSION_LETTERS NAME_LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZ~:"

/* Where each text lies, what it is called, and what it may be made of. */
static const struct text_row {
    size_t offset;
    const char *field; /* of a record; NULL: made of something else */
    const char *key;   /* of JSON; NULL: not written */
    const char *letters;
} texts[] = {
    {offsetof(struct img_package, name), "Package", "name", NAME_LETTERS},
    {offsetof(struct img_package, version), "Version", "version", VERSION_LETTERS},
    {offsetof(struct img_package, arch), "Architecture", "architecture", NAME_LETTERS},
    {offsetof(struct img_package, source), NULL, "source", NAME_LETTERS},
    {offsetof(struct img_package, source_version), NULL, "source_version", VERSION_LETTERS},
    {offsetof(struct img_package, section), "Section", NULL, NULL},
    {offsetof(struct img_package, depends), NULL, NULL, NULL},
    {offsetof(struct img_package, file), NULL, NULL, NULL},
};

static char **text_of(struct img_package *package, const struct text_row *row)
{
    return (char **)(void *)((char *)package + row->offset);
}

void img_package_clear(struct img_package *package)
{
    for (size_t i = 0; i < MIR_NELEMS(texts); i++)
        free(*text_of(package, &texts[i]));
    *package = (struct img_package){0};
}

static char *owned(struct img_span span)
{
    return mir_format("%.*s", (int)span.len, span.at ? span.at : "");
}

/* "linux (6.1.1-2)": the version where it is another one than the package's. */
static void take_source(struct img_span record, struct img_package *package)
{
    mir_auto_free char *said = owned(img_control_get(record, "Source"));
    size_t name_len = strcspn(said, " (");
    const char *open = strchr(said, '(');
    package->source =
        name_len ? mir_format("%.*s", (int)name_len, said) : mir_strdup(package->name);
    package->source_version = open ? mir_format("%.*s", (int)strcspn(open + 1, ")"), open + 1)
                                   : mir_strdup(package->version);
}

/* Names become names of files, and words of commands. */
static int check(struct img_package *package, struct mir_error *err)
{
    for (size_t i = 0; i < MIR_NELEMS(texts); i++) {
        const char *text = *text_of(package, &texts[i]);
        if (!texts[i].letters || (*text && *text != '-' && *text != '.' &&
                                  !text[strspn(text, texts[i].letters)] && strlen(text) < 200))
            continue;
        return mir_fail(err, MIR_CORRUPT, "a package whose %s is \"%.40s\"", texts[i].key, text);
    }
    return 0;
}

static bool is_sha256(const char *text)
{
    return strlen(text) == MIR_SHA256_TEXT - 1 &&
           strspn(text, "0123456789abcdef") == MIR_SHA256_TEXT - 1;
}

int img_package_from_control(struct img_span record, struct img_package *ret, struct mir_error *err)
{
    struct img_package package = {0};
    for (size_t i = 0; i < MIR_NELEMS(texts); i++)
        if (texts[i].field)
            *text_of(&package, &texts[i]) = owned(img_control_get(record, texts[i].field));
    take_source(record, &package);
    struct img_span before = img_control_get(record, "Pre-Depends");
    struct img_span depends = img_control_get(record, "Depends");
    package.depends = mir_format("%.*s,%.*s", (int)before.len, before.at ? before.at : "",
                                 (int)depends.len, depends.at ? depends.at : "");
    package.file = mir_strdup("");
    mir_auto_free char *sha256 = owned(img_control_get(record, "SHA256"));
    if (is_sha256(sha256))
        mir_copy(package.sha256, sizeof package.sha256, sha256);
    if (check(&package, err)) {
        img_package_clear(&package);
        return -1;
    }
    *ret = package;
    return 0;
}

/* --- lists --- */

void img_packages_clear(struct img_packages *packages)
{
    for (size_t i = 0; i < packages->count; i++)
        img_package_clear(&packages->list[i]);
    free(packages->list);
    *packages = (struct img_packages){0};
}

/* Where it is, or has to come. */
static size_t place_of(const struct img_packages *packages, const char *name)
{
    size_t at = 0;
    while (at < packages->count && strcmp(packages->list[at].name, name) < 0)
        at++;
    return at;
}

const struct img_package *img_packages_find(const struct img_packages *packages, const char *name)
{
    size_t at = place_of(packages, name);
    return at < packages->count && !strcmp(packages->list[at].name, name) ? &packages->list[at]
                                                                          : NULL;
}

int img_packages_add(struct img_packages *packages, struct img_package *package,
                     struct mir_error *err)
{
    size_t at = place_of(packages, package->name);
    if (at < packages->count && !strcmp(packages->list[at].name, package->name)) {
        img_package_clear(&packages->list[at]);
        packages->list[at] = *package;
        return 0;
    }
    if (packages->count == IMG_PACKAGES_MAX) {
        img_package_clear(package);
        return mir_fail(err, MIR_FAILED, "more than %d packages", IMG_PACKAGES_MAX);
    }
    if (packages->count == packages->room) {
        packages->room = packages->room ? 2 * packages->room : 32;
        packages->list = mir_realloc(packages->list, packages->room, sizeof *packages->list);
    }
    memmove(packages->list + at + 1, packages->list + at,
            (packages->count - at) * sizeof *packages->list);
    packages->list[at] = *package;
    packages->count++;
    return 0;
}

int img_packages_copy(struct img_packages *packages, const struct img_package *package,
                      struct mir_error *err)
{
    struct img_package from = *package, copy = *package;
    for (size_t i = 0; i < MIR_NELEMS(texts); i++)
        *text_of(&copy, &texts[i]) = mir_strdup(*text_of(&from, &texts[i]));
    return img_packages_add(packages, &copy, err);
}

char *img_package_file_name(const struct img_package *package)
{
    const char *colon = strchr(package->version, ':');
    int before = colon ? (int)(colon - package->version) : 0;
    return mir_format("%s_%.*s%s%s_%s.deb", package->name, before, package->version,
                      colon ? "%3a" : "", colon ? colon + 1 : package->version, package->arch);
}

/* --- JSON --- */

json_t *img_package_to_json(const struct img_package *package)
{
    struct img_package copy = *package;
    json_t *json = json_object();
    for (size_t i = 0; i < MIR_NELEMS(texts); i++)
        if (texts[i].key)
            json_object_set_new(json, texts[i].key, json_string(*text_of(&copy, &texts[i])));
    json_object_set_new(json, "sha256", json_string(package->sha256));
    return json;
}

int img_package_from_json(const json_t *json, struct img_package *ret, struct mir_error *err)
{
    struct img_package package = {0};
    const char *sha256 = "";
    int rc = 0;
    for (size_t i = 0; i < MIR_NELEMS(texts); i++) {
        const char *text = "";
        if (texts[i].key && !rc)
            rc = mir_json_get_text(json, texts[i].key, &text, err);
        *text_of(&package, &texts[i]) = mir_strdup(text);
    }
    if (!rc)
        rc = mir_json_get_text(json, "sha256", &sha256, err);
    if (!rc)
        rc = check(&package, err);
    if (!rc && !is_sha256(sha256))
        rc = mir_fail(err, MIR_CORRUPT, "%s has no SHA-256", package.name);
    if (rc) {
        img_package_clear(&package);
        return -1;
    }
    mir_copy(package.sha256, sizeof package.sha256, sha256);
    *ret = package;
    return 0;
}
