/* SPDX-License-Identifier: ISC */
#include "manifest.h"

#include <string.h>
#include <sys/stat.h>

#include "api/file.h"
#include "api/json.h"
#include "api/memory.h"
#include "carrier_edition.h"
#include "images/digest.h"
#include "squeeze.h"

#define MANIFEST_BYTES_MAX ((size_t)4 << 20)
#define EDITION_BYTES 200
#define TEXT_OF(token) #token
#define TEXT_OF_VALUE(macro) TEXT_OF(macro)

static void edition(char out[EDITION_BYTES])
{
    char squeeze[EDITION_BYTES / 2];
    img_squeeze_edition(squeeze, sizeof squeeze);
    snprintf(out, EDITION_BYTES, "%s, %s", TEXT_OF_VALUE(CARRIER_EDITION), squeeze);
}

void img_sha256(const void *data, size_t len, char ret[MIR_SHA256_TEXT])
{
    struct krn_digest digest;
    krn_digest_init(&digest);
    krn_digest_add(&digest, data, len);
    krn_digest_text(&digest, ret);
}

static void add_line(struct krn_digest *digest, const char *what, const char *a, const char *b)
{
    mir_auto_free char *line = mir_format("%s %s %s\n", what, a, b);
    krn_digest_add(digest, line, strlen(line));
}

void img_manifest_digest(const struct img_parts *parts, char ret[MIR_SHA256_TEXT])
{
    char made_by[EDITION_BYTES];
    struct krn_digest digest;
    edition(made_by);
    krn_digest_init(&digest);
    add_line(&digest, "base", mir_carrier_name(parts->carrier), made_by);
    add_line(&digest, "init", "", parts->init.sha256);
    for (size_t i = 0; i < parts->tender_count; i++)
        add_line(&digest, "tender", parts->tenders[i].name, parts->tenders[i].sha256);
    for (size_t i = 0; i < parts->packages.count; i++) {
        const struct img_package *package = &parts->packages.list[i];
        add_line(&digest, package->name, package->version, package->sha256);
    }
    krn_digest_text(&digest, ret);
}

/* --- the text --- */

static void set_package(json_t *json, const struct img_package *package)
{
    if (package)
        json_object_set_new(json, "package", json_string(package->name));
}

static json_t *entry_json(const struct img_entry *entry)
{
    static const char *const kinds[] = {[IMG_ENTRY_FILE] = "file",
                                        [IMG_ENTRY_FOLDER] = "folder",
                                        [IMG_ENTRY_LINK] = "link",
                                        [IMG_ENTRY_CONSOLE] = "device"};
    json_t *json = json_pack("{s:s, s:s, s:o}", "path", entry->path, "kind", kinds[entry->kind],
                             "mode", json_sprintf("%04o", entry->mode));
    set_package(json, entry->package);
    if (entry->for_disks) /* else in the first archive */
        json_object_set_new(json, "in", json_string(IMG_BASE_DISKS));
    if (entry->kind == IMG_ENTRY_LINK)
        json_object_set_new(json, "target", json_string(entry->target));
    if (entry->kind == IMG_ENTRY_FILE) {
        char sha256[MIR_SHA256_TEXT];
        img_sha256(entry->bytes, entry->len, sha256);
        json_object_set_new(json, "bytes", json_integer((json_int_t)entry->len));
        json_object_set_new(json, "sha256", json_string(sha256));
    }
    return json;
}

static json_t *own_json(const struct img_own_file *file)
{
    return json_pack("{s:s, s:s}", "name", file->name, "sha256", file->sha256);
}

static json_t *own_list(const struct img_parts *parts)
{
    json_t *list = json_array();
    if (parts->init.bytes)
        json_array_append_new(list, own_json(&parts->init));
    for (size_t i = 0; i < parts->tender_count; i++)
        json_array_append_new(list, own_json(&parts->tenders[i]));
    return list;
}

static bool is_used(const struct img_parts *parts, const struct img_package *package,
                    const struct img_base_file *files, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (files[i].package == package)
            return true;
    for (size_t i = 0; i < parts->root.count; i++)
        if (parts->root.list[i].package == package)
            return true;
    return false;
}

/* "used": something of it is in the base. The others were looked at, and had nothing that is
 * needed: they are named because the digest is over them, too. */
static json_t *package_list(const struct img_parts *parts, const struct img_base_file *files,
                            size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < parts->packages.count; i++) {
        const struct img_package *package = &parts->packages.list[i];
        json_t *json = img_package_to_json(package);
        json_object_set_new(json, "used", json_boolean(is_used(parts, package, files, count)));
        json_array_append_new(list, json);
    }
    return list;
}

/* A part that was left out, and its bytes; or why it was not. */
static void set_spared(json_t *json, const char *name, size_t bytes, const char *why)
{
    json_object_set_new(json, name,
                        why ? json_pack("{s:s}", "kept", why)
                            : json_pack("{s:I}", "bytes", (json_int_t)bytes));
}

/* "unpacked": the package's own, before anything was left out. */
static json_t *repacked_json(const struct img_repacked *repacked)
{
    const struct img_spared *spared = &repacked->spared;
    json_t *json = json_pack("{s:{s:I, s:s}}", "unpacked", "bytes", (json_int_t)repacked->bytes,
                             "sha256", repacked->sha256);
    set_spared(json, "relocations_cut", spared->relocations, spared->relocations_why);
    set_spared(json, "btf_zeroed", spared->types, spared->types_why);
    return json;
}

static json_t *file_list(const struct img_base_file *files, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *json = json_pack("{s:s, s:I, s:s}", "name", files[i].name, "bytes",
                                 (json_int_t)files[i].bytes, "sha256", files[i].sha256);
        set_package(json, files[i].package);
        if (files[i].repacked.bytes)
            json_object_set_new(json, "repacked", repacked_json(&files[i].repacked));
        json_array_append_new(list, json);
    }
    return list;
}

char *img_manifest_text(const struct img_parts *parts, const struct img_base_file *files,
                        size_t count)
{
    char made_by[EDITION_BYTES], digest[MIR_SHA256_TEXT];
    edition(made_by);
    img_manifest_digest(parts, digest);
    json_t *root = json_array();
    for (size_t i = 0; i < parts->root.count; i++)
        json_array_append_new(root, entry_json(&parts->root.list[i]));
    json_t *json = json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:O}", "shape",
                             mir_carrier_name(parts->carrier), "digest", digest, "edition", made_by,
                             "files", file_list(files, count), "archive", root, "packages",
                             package_list(parts, files, count), "ours", own_list(parts), "absent",
                             parts->absent);
    char *text = json_dumps(json, JSON_INDENT(1) | JSON_SORT_KEYS);
    json_decref(json);
    if (!text)
        mir_memory_out();
    char *line = mir_format("%s\n", text);
    free(text);
    return line;
}

/* --- whether it is true --- */

static json_t *read_manifest(const char *folder)
{
    mir_auto_free char *path = mir_format("%s/" IMG_BASE_MANIFEST, folder);
    mir_auto_free char *text = NULL;
    size_t len;
    if (mir_file_read(path, MANIFEST_BYTES_MAX, &text, &len, NULL))
        return NULL;
    return mir_json_parse(text, len, MANIFEST_BYTES_MAX, NULL);
}

static bool files_whole(const char *folder, const json_t *files, uint64_t *ret_bytes)
{
    json_t *file;
    size_t i;
    uint64_t bytes = 0;
    json_array_foreach(files, i, file)
    {
        struct stat st;
        const char *name = json_string_value(json_object_get(file, "name"));
        json_int_t size = json_integer_value(json_object_get(file, "bytes"));
        mir_auto_free char *path = mir_format("%s/%s", folder, name ? name : "");
        if (!name || stat(path, &st) || !S_ISREG(st.st_mode) || st.st_size != size)
            return false;
        bytes += (uint64_t)size;
    }
    *ret_bytes = bytes;
    return i > 0;
}

bool img_manifest_whole(const char *folder, const char *digest, uint64_t *ret_bytes,
                        size_t *ret_packages)
{
    json_t *json = read_manifest(folder);
    const char *said = json_string_value(json_object_get(json, "digest"));
    bool whole = said && !strcmp(said, digest) &&
                 files_whole(folder, json_object_get(json, "files"), ret_bytes);
    *ret_packages = json_array_size(json_object_get(json, "packages"));
    json_decref(json);
    return whole;
}
