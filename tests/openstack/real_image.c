/* SPDX-License-Identifier: ISC */
#include "openstack/identity.h"
#include "openstack/image.h"
#include "real.h"

#define SIZE ((size_t)300000)

struct zeros {
    size_t left;
};

static int give(void *ctx, void *out, size_t size, size_t *ret_len, struct mir_error *err)
{
    struct zeros *zeros = ctx;
    *ret_len = zeros->left < size ? zeros->left : size;
    memset(out, 'z', *ret_len);
    zeros->left -= *ret_len;
    return 0;
}

static bool make(const char *id, struct os_image *ret)
{
    static const char *const tags[] = {"mirage", "real"};
    const struct os_pair properties[] = {{"hw_disk_bus", "ide"}, {"mirage:key", "v/1"}};
    struct os_create_image args = {.id = id,
                                   .name = real.name,
                                   .disk_format = "raw",
                                   .container_format = "bare",
                                   .visibility = "private",
                                   .min_ram_mib = 16,
                                   .tags = tags,
                                   .tag_count = 2,
                                   .properties = properties,
                                   .property_count = 2};
    return DOES(os_image_create(real.session, &args, real.until_ms, ret, &real.err));
}

static bool until_active(const char *id, struct os_image *image)
{
    for (int i = 0; i < 100; i++) {
        if (os_image_get(real.session, id, real.until_ms, image, &real.err))
            return false;
        if (!strcmp(image->status, "active"))
            return true;
        real_pause();
    }
    return false;
}

static void upload(const char *id, int64_t length)
{
    struct zeros zeros = {SIZE};
    struct mir_http_stream stream = {give, &zeros, length};
    os_auto_image struct os_image image = {0};
    DOES(os_image_upload(real.session, id, &stream, real.until_ms, &real.err));
    EXPECT(until_active(id, &image));
    EXPECT(image.size_bytes == (int64_t)SIZE);
    EXPECT(strlen(image.checksum) == 32 && !strcmp(image.hash_algo, "sha512") &&
           strlen(image.hash) == 128);
    zeros.left = SIZE;
    REFUSED(os_image_upload(real.session, id, &stream, real.until_ms, &real.err), MIR_CONFLICT);
}

static void change(const char *id)
{
    const struct os_pair change[] = {
        {"hw_disk_bus", "scsi"}, {"new/one~", "x"}, {"mirage:key", NULL}, {"absent", NULL}};
    os_auto_image struct os_image image = {0};
    DOES(os_image_set(real.session, id, change, 4, real.until_ms, &image, &real.err));
    const char *bus = os_pair_value(image.properties, image.property_count, "hw_disk_bus");
    const char *added = os_pair_value(image.properties, image.property_count, "new/one~");
    EXPECT(bus && !strcmp(bus, "scsi"));
    EXPECT(added && !strcmp(added, "x"));
    EXPECT(!os_pair_value(image.properties, image.property_count, "mirage:key"));
    DOES(os_image_tag(real.session, id, "third tag", real.until_ms, &real.err));
    DOES(os_image_untag(real.session, id, "real", real.until_ms, &real.err));
    DOES(os_image_get(real.session, id, real.until_ms, &image, &real.err));
    EXPECT(image.tag_count == 2);
}

static bool listed(const struct os_list_images *args, const char *id)
{
    os_auto_images struct os_images list = {0};
    DOES(os_image_list(real.session, args, real.until_ms, &list, &real.err));
    for (size_t i = 0; i < list.count; i++)
        if (!strcmp(list.rows[i].id, id))
            return true;
    return false;
}

static void lists(const char *id)
{
    static const char *const tags[] = {"mirage", "third tag"}, *const none[] = {"no such tag"};
    const struct os_pair scsi = {"hw_disk_bus", "scsi"}, ide = {"hw_disk_bus", "ide"};
    EXPECT(listed(&(struct os_list_images){.tags = tags, .tag_count = 2}, id));
    EXPECT(!listed(&(struct os_list_images){.tags = none, .tag_count = 1}, id));
    EXPECT(listed(&(struct os_list_images){.properties = &scsi, .property_count = 1}, id));
    EXPECT(!listed(&(struct os_list_images){.properties = &ide, .property_count = 1}, id));
    EXPECT(listed(&(struct os_list_images){.name = real.name, .status = "active"}, id));
}

static void import(void)
{
    struct os_import_methods methods = {0};
    os_auto_image struct os_image image = {0};
    DOES(os_image_import_methods(real.session, real.until_ms, &methods, &real.err));
    bool direct = os_import_has(&methods, "glance-direct");
    for (size_t i = 0; i < methods.count; i++)
        printf("# import by %s\n", methods.rows[i].text);
    os_import_methods_clear(&methods);
    if (!direct || !make(NULL, &image))
        return;
    struct zeros zeros = {SIZE};
    struct mir_http_stream stream = {give, &zeros, (int64_t)SIZE};
    REFUSED(
        os_image_import(real.session, image.id, "glance-direct", NULL, real.until_ms, &real.err),
        MIR_CONFLICT);
    DOES(os_image_stage(real.session, image.id, &stream, real.until_ms, &real.err));
    DOES(os_image_import(real.session, image.id, "glance-direct", NULL, real.until_ms, &real.err));
    char id[OS_ID_TEXT];
    memcpy(id, image.id, sizeof id);
    EXPECT(until_active(id, &image));
    EXPECT(image.size_bytes == (int64_t)SIZE);
    DOES(os_image_delete(real.session, id, real.until_ms, &real.err));
}

/* More than one page. */
static void pages(void)
{
    char ids[4][OS_ID_TEXT];
    static const char *const tags[] = {"real"};
    for (size_t i = 0; i < MIR_NELEMS(ids); i++) {
        os_auto_image struct os_image image = {0};
        if (!make(NULL, &image))
            return;
        memcpy(ids[i], image.id, OS_ID_TEXT);
    }
    os_auto_images struct os_images list = {0};
    struct os_list_images args = {.tags = tags, .tag_count = 1, .name = real.name};
    DOES(os_image_list(real.session, &args, real.until_ms, &list, &real.err));
    EXPECT(list.count == MIR_NELEMS(ids));
    for (size_t i = 0; i < MIR_NELEMS(ids); i++)
        DOES(os_image_delete(real.session, ids[i], real.until_ms, &real.err));
}

static void share(const char *id)
{
    struct os_image_member member = {.status = ""};
    struct os_image_members list = {0};
    os_auto_who struct os_who who = {0};
    DOES(os_who_am_i(real.session, real.until_ms, &who, &real.err));
    const struct os_pair shared = {"visibility", "shared"};
    DOES(os_image_set(real.session, id, &shared, 1, real.until_ms, NULL, &real.err));
    DOES(os_image_share(real.session, id, who.project_id, real.until_ms, &member, &real.err));
    EXPECT(!strcmp(member.status, "pending"));
    DOES(os_image_members(real.session, id, real.until_ms, &list, &real.err));
    EXPECT(list.count == 1);
    /* It is the member who accepts, and nobody else. */
    REFUSED(os_image_member_set(real.session, id, who.project_id, "accepted", real.until_ms,
                                &member, &real.err),
            MIR_CREDENTIALS);
    DOES(os_image_unshare(real.session, id, who.project_id, real.until_ms, &real.err));
    os_image_members_clear(&list);
}

/* A new one each time: Glance never forgets an id that was used. */
static void own_id(char out[OS_ID_TEXT])
{
    char hex[MIR_ID_TEXT];
    mir_id_new(mir_random_system(), hex);
    snprintf(out, OS_ID_TEXT, "%.8s-%.4s-4%.3s-8%.3s-%.12s", hex, hex + 8, hex + 12, hex + 16,
             hex + 20);
}

void real_images(void)
{
    os_auto_image struct os_image image = {0};
    char asked[OS_ID_TEXT];
    own_id(asked);
    if (!make(asked, &image))
        return;
    char id[OS_ID_TEXT];
    memcpy(id, image.id, sizeof id);
    EXPECT(!strcmp(id, asked));
    EXPECT(!strcmp(image.status, "queued") && image.tag_count == 2);
    /* An id of one's own makes a second one impossible. */
    struct os_create_image again = {.id = id, .disk_format = "raw", .container_format = "bare"};
    os_auto_image struct os_image second = {0};
    REFUSED(os_image_create(real.session, &again, real.until_ms, &second, &real.err), MIR_CONFLICT);
    again = (struct os_create_image){.disk_format = "nonsense", .container_format = "bare"};
    REFUSED(os_image_create(real.session, &again, real.until_ms, &second, &real.err), MIR_USAGE);
    upload(id, (int64_t)SIZE);
    change(id);
    lists(id);
    share(id);
    import();
    pages();
    DOES(os_image_delete(real.session, id, real.until_ms, &real.err));
    REFUSED(os_image_get(real.session, id, real.until_ms, &image, &real.err), MIR_NOT_FOUND);
    again = (struct os_create_image){.id = id, .disk_format = "raw", .container_format = "bare"};
    REFUSED(os_image_create(real.session, &again, real.until_ms, &second, &real.err), MIR_CONFLICT);
    if (!make(NULL, &image))
        return;
    memcpy(id, image.id, sizeof id);
    upload(id, MIR_HTTP_LENGTH_UNKNOWN);
    DOES(os_image_delete(real.session, id, real.until_ms, &real.err));
}
