/* SPDX-License-Identifier: ISC */
#include "bundle.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/id.h"
#include "api/memory.h"
#include "api/xml.h"
#include "blob.h"
#include "ec2.h"

#define MANIFEST_MAX ((size_t)4 << 20)
#define PART_MAX ((int64_t)10 << 20)
#define DISK_MAX ((int64_t)10 << 30)

void fc_bundle_clear(struct fc_bundle *bundle)
{
    json_decref(bundle->files);
    bundle->files = NULL;
}

static int invalid(struct fc_refusal *refusal, const char *why)
{
    return fc_refuse(refusal, 400, "InvalidManifest", "Invalid AMI manifest: %s", why);
}

/* --- objects that EC2 may read --- */

static int no_object(struct fc_refusal *refusal, int status, const char *words, const char *id)
{
    return fc_refuse(refusal, 400, "InvalidManifest",
                     "HTTP %d (%s) response for URL http://s3.amazonaws.com:80/%.400s: check your "
                     "manifest path is correct and in the correct region.",
                     status, words, id);
}

static int find_object(struct fc_call *call, const char *id, struct fc_object **ret,
                       struct fc_refusal *refusal)
{
    static const char *const readers[] = {"aws-exec-read", "public-read", "authenticated-read"};
    mir_auto_free char *name = mir_format("%.*s", (int)strcspn(id, "/"), id);
    const struct fc_object *bucket = fc_store_get(call->world->store, "bucket", "", name);
    struct fc_object *object = fc_store_get(call->world->store, "object", "", id);
    if (!bucket || !object)
        return no_object(refusal, 404, "Not Found", id);
    if (strcmp(fc_text_at(bucket->doc, "Region"), call->region) != 0)
        return no_object(refusal, 301, "Moved Permanently", id);
    for (size_t i = 0; i < MIR_NELEMS(readers); i++)
        if (!strcmp(fc_text_at(object->doc, "_acl"), readers[i])) {
            *ret = object;
            return 0;
        }
    return no_object(refusal, 403, "Forbidden", id);
}

/* All of it, owned; NULL: more than max. */
static char *read_object(const struct fc_world *world, const struct fc_object *object, size_t max,
                         size_t *ret_len)
{
    mir_auto_close int fd = fc_blob_open(world, fc_text_at(object->doc, "_file"));
    off_t len = fd >= 0 ? lseek(fd, 0, SEEK_END) : -1;
    if (len <= 0 || (size_t)len > max)
        return NULL;
    char *bytes = mir_calloc(1, (size_t)len + 1);
    if (pread(fd, bytes, (size_t)len, 0) != len) {
        free(bytes);
        return NULL;
    }
    *ret_len = (size_t)len;
    return bytes;
}

/* --- what the manifest says --- */

struct manifest {
    struct fc_call *call;
    struct fc_bundle *bundle;
    const char *location; /* BUCKET/KEY */
    const char *text;
    size_t len;
    const struct mir_xml_node *root, *image;
};

static bool is_hex(const char *text, size_t digits)
{
    return strlen(text) == digits && strspn(text, "0123456789abcdef") == digits;
}

static int64_t number_of(const char *text)
{
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    return errno || *end || end == text || value < 1 ? -1 : value;
}

static const char *read_machine(const struct manifest *m)
{
    const struct mir_xml_node *machine = mir_xml_find(m->root, "machine_configuration");
    const char *architecture = mir_xml_get(machine, "architecture");
    if (strcmp(mir_xml_get(m->root, "version"), "2007-10-10") != 0)
        return "its version is not 2007-10-10";
    if (strcmp(architecture, "i386") != 0 && strcmp(architecture, "x86_64") != 0)
        return "its architecture is neither i386 nor x86_64";
    mir_copy(m->bundle->architecture, sizeof m->bundle->architecture, architecture);
    mir_copy(m->bundle->kernel, sizeof m->bundle->kernel, mir_xml_get(machine, "kernel_id"));
    return NULL;
}

static const char *read_image(const struct manifest *m)
{
    struct fc_bundle *b = m->bundle;
    const char *digest = mir_xml_get(m->image, "digest");
    b->size = number_of(mir_xml_get(m->image, "size"));
    b->bundled = number_of(mir_xml_get(m->image, "bundled_size"));
    if (strcmp(mir_xml_get(m->image, "user"), m->call->world->account.id) != 0)
        return "it is another account's";
    if (strcmp(mir_xml_get(m->image, "type"), "machine") != 0)
        return "it is of no machine image";
    if (mir_copy(b->name, sizeof b->name, mir_xml_get(m->image, "name")) || !*b->name)
        return "its image has no name";
    if (b->size < 512 || b->size % 512 || b->size > DISK_MAX || b->bundled < 1)
        return "its sizes are no sizes";
    if (!is_hex(digest, 40))
        return "its digest is no SHA-1";
    mir_copy(b->digest, sizeof b->digest, digest);
    if (fc_bundle_secret(m->call->world, mir_xml_get(m->image, "ec2_encrypted_key"), b->key) ||
        fc_bundle_secret(m->call->world, mir_xml_get(m->image, "ec2_encrypted_iv"), b->iv))
        return "its key is not encrypted for EC2";
    if (strlen(mir_xml_get(m->image, "user_encrypted_key")) < 256 ||
        strlen(mir_xml_get(m->image, "user_encrypted_iv")) < 256)
        return "its key is not encrypted for its user";
    return NULL;
}

/* What is signed are these two elements, as they stand, one after the other. */
static const char *check_signature(const struct manifest *m)
{
    static const char *const names[][2] = {{"<machine_configuration>", "</machine_configuration>"},
                                           {"<image>", "</image>"}};
    mir_auto_buf struct mir_buf signed_text;
    mir_buf_init(&signed_text, MANIFEST_MAX);
    for (size_t i = 0; i < MIR_NELEMS(names); i++) {
        const char *begin = strstr(m->text, names[i][0]);
        const char *end = begin ? strstr(begin, names[i][1]) : NULL;
        if (!end)
            return "it has nothing that could be signed";
        mir_buf_add(&signed_text, begin, (size_t)(end - begin) + strlen(names[i][1]));
    }
    return fc_bundle_signed(m->call->world, mir_buf_text(&signed_text), signed_text.len,
                            mir_xml_get(m->root, "signature"))
               ? NULL
               : "its signature is not of a certificate of this account";
}

/* --- the parts --- */

static int check_part(const struct manifest *m, const struct mir_xml_node *node, int64_t *sum,
                      struct fc_refusal *refusal)
{
    const char *name = mir_xml_get(node, "filename");
    const char *slash = strrchr(m->location, '/');
    mir_auto_free char *id =
        mir_format("%.*s/%.200s", (int)(slash - m->location), m->location, name);
    unsigned char digest[20];
    char hex[41];
    struct fc_object *object;
    size_t len;
    if (!*name || strchr(name, '/'))
        return invalid(refusal, "a part has no name of a file");
    if (find_object(m->call, id, &object, refusal))
        return -1;
    mir_auto_free char *bytes = read_object(m->call->world, object, (size_t)PART_MAX, &len);
    if (!bytes)
        return invalid(refusal, "a part is empty or has more than 10 MiB");
    if (EVP_Digest(bytes, len, digest, NULL, EVP_sha1(), NULL) != 1)
        mir_memory_out();
    mir_hex(digest, sizeof digest, hex);
    if (strcmp(hex, mir_xml_get(node, "digest")) != 0)
        return fc_refuse(refusal, 400, "InvalidManifest",
                         "Invalid AMI manifest: the part %.120s has another digest", name);
    *sum += (int64_t)len;
    json_array_append_new(m->bundle->files, json_string(fc_text_at(object->doc, "_file")));
    return 0;
}

static int check_parts(const struct manifest *m, struct fc_refusal *refusal)
{
    const struct mir_xml_node *parts = mir_xml_find(m->image, "parts");
    int64_t sum = 0;
    m->bundle->files = json_array();
    for (const struct mir_xml_node *node = mir_xml_first(parts, "part"); node;
         node = mir_xml_next(node, "part"))
        if (json_array_size(m->bundle->files) == FC_BUNDLE_PARTS_MAX)
            return invalid(refusal, "it has too many parts");
        else if (check_part(m, node, &sum, refusal))
            return -1;
    return sum == m->bundle->bundled ? 0
                                     : invalid(refusal, "its parts are not of the size it says");
}

static int check_kernel(const struct manifest *m, struct fc_refusal *refusal)
{
    struct fc_object *kernel;
    const char *id = m->bundle->kernel;
    if (!*id)
        return 0;
    if (!fc_ec2_find(m->call, "image", id, &kernel, refusal) &&
        !strcmp(fc_text_at(kernel->doc, "imageType"), "kernel"))
        return 0;
    return fc_refuse(refusal, 400, "InvalidManifest",
                     "Invalid or unaccessible kernel id in ami manifest: %.40s", id);
}

static int check_manifest(struct manifest *m, struct fc_refusal *refusal)
{
    mir_auto_xml struct mir_xml *xml = mir_xml_parse(m->text, m->len, MANIFEST_MAX, NULL);
    m->root = xml ? mir_xml_root(xml) : NULL;
    m->image = mir_xml_find(m->root, "image");
    if (!m->image || strcmp(mir_xml_name(m->root), "manifest") != 0)
        return invalid(refusal, "it is no manifest");
    const char *wrong = read_machine(m);
    if (!wrong)
        wrong = read_image(m);
    if (!wrong)
        wrong = check_signature(m);
    if (wrong)
        return invalid(refusal, wrong);
    if (check_kernel(m, refusal) || check_parts(m, refusal))
        return -1;
    wrong = fc_bundle_disk(m->call->world, m->bundle, -1);
    return wrong ? invalid(refusal, wrong) : 0;
}

int fc_bundle_check(struct fc_call *call, const char *location, struct fc_bundle *ret,
                    struct fc_refusal *refusal)
{
    struct fc_object *object;
    struct fc_bundle bundle = {.files = NULL};
    struct manifest manifest = {.call = call, .bundle = &bundle};
    manifest.location = location + (*location == '/');
    if (!strchr(manifest.location, '/'))
        return invalid(refusal, "its location is no BUCKET/KEY");
    if (find_object(call, manifest.location, &object, refusal))
        return -1;
    mir_auto_free char *text = read_object(call->world, object, MANIFEST_MAX, &manifest.len);
    manifest.text = text;
    if (!text || check_manifest(&manifest, refusal)) {
        fc_bundle_clear(&bundle);
        return text ? -1 : invalid(refusal, "it cannot be read");
    }
    *ret = bundle;
    return 0;
}
