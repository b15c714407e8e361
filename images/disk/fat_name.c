/* SPDX-License-Identifier: ISC */
#include "fat_name.h"

#include <stdio.h>
#include <string.h>

#include "put.h"

#define BASE 8
#define LONG_CHARS ((size_t)13) /* of one long entry */
#define ATTR_LONG 0x0f
#define LAST_LONG 0x40

/* Of printable ASCII: what no name may have, and what a long name may have and an alias not. */
static const char forbidden[] = "\"*/:<>?\\|";
static const char long_only[] = " +,.;=[]";

static unsigned char upper(char c)
{
    return (unsigned char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
}

static int check_name(const struct img_node *node, struct mir_error *err)
{
    const char *fault = NULL;
    char last = node->name[node->name_len - 1];
    if (node->name[0] == ' ' || last == ' ' || last == '.')
        fault = "a space at an end or a dot at the end";
    for (size_t i = 0; i < node->name_len; i++)
        if (strchr(forbidden, node->name[i]))
            fault = "one of the characters \" * / : < > ? \\ |";
    return fault ? mir_fail(err, MIR_USAGE, "the name \"%.*s\" has %s, which FAT does not allow",
                            (int)node->name_len, node->name, fault)
                 : 0;
}

/* Up to max characters of [name, name + len) as an alias has them; *ret_lossy is set when that is
 * not all of it. */
static size_t put_part(unsigned char *part, size_t max, const char *name, size_t len,
                       bool *ret_lossy)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        bool skip = name[i] == ' ' || name[i] == '.', odd = strchr(long_only, name[i]) != NULL;
        if (odd || n == max)
            *ret_lossy = true;
        if (!skip && n < max)
            part[n++] = odd ? '_' : upper(name[i]);
    }
    return n;
}

/* The alias without a number; true when it says all of the name but upper and lower case. */
static bool put_alias(unsigned char *alias, const struct img_node *node)
{
    bool lossy = false;
    size_t dot = node->name_len;
    for (size_t i = 1; i < node->name_len; i++)
        if (node->name[i] == '.')
            dot = i;
    size_t end = dot < node->name_len ? dot + 1 : dot;
    memset(alias, ' ', IMG_FAT_ALIAS);
    if (!put_part(alias, BASE, node->name, dot, &lossy))
        alias[0] = '_';
    put_part(alias + BASE, IMG_FAT_ALIAS - BASE, node->name + end, node->name_len - end, &lossy);
    return !lossy;
}

static bool is_upper(const struct img_node *node)
{
    for (size_t i = 0; i < node->name_len; i++)
        if (upper(node->name[i]) != (unsigned char)node->name[i])
            return false;
    return true;
}

/* NAME~1.EXT and so on, until nobody else in the folder has it. Those who need no number have got
 * theirs before (an alias that begins with NUL is none yet). */
static void number_alias(const struct img_tree *tree, struct img_fat_name *names, size_t at)
{
    unsigned char *own = names[at].alias, alias[IMG_FAT_ALIAS];
    size_t base = BASE, folder = tree->nodes[at].parent;
    while (base > 1 && own[base - 1] == ' ')
        base--;
    for (unsigned number = 1;; number++) {
        char tail[12];
        size_t len = (size_t)snprintf(tail, sizeof tail, "~%u", number);
        memcpy(alias, own, sizeof alias);
        memcpy(alias + (base + len > BASE ? BASE - len : base), tail, len);
        size_t i = img_tree_in(tree, folder, 0);
        while (i < tree->count && (i == at || memcmp(names[i].alias, alias, sizeof alias) != 0))
            i = img_tree_in(tree, folder, i + 1);
        if (i == tree->count)
            break;
    }
    memcpy(own, alias, sizeof alias);
}

int img_fat_names(const struct img_tree *tree, struct img_fat_name *ret, struct mir_error *err)
{
    for (size_t i = 1; i < tree->count; i++) {
        const struct img_node *node = &tree->nodes[i];
        struct img_fat_name *name = &ret[i];
        if (check_name(node, err))
            return -1;
        bool whole = put_alias(name->alias, node);
        name->long_entries = (unsigned)((node->name_len + LONG_CHARS - 1) / LONG_CHARS);
        if (whole && is_upper(node))
            name->long_entries = 0;
        if (!whole)
            name->alias[0] = 0;
    }
    for (size_t i = 1; i < tree->count; i++)
        if (!ret[i].alias[0]) {
            put_alias(ret[i].alias, &tree->nodes[i]);
            number_alias(tree, ret, i);
        }
    return 0;
}

static unsigned char checksum(const unsigned char *alias)
{
    unsigned sum = 0;
    for (size_t i = 0; i < IMG_FAT_ALIAS; i++)
        sum = (((sum & 1) << 7) + (sum >> 1) + alias[i]) & 0xff;
    return (unsigned char)sum;
}

unsigned char *img_fat_put_long(unsigned char *p, const struct img_node *node,
                                const struct img_fat_name *name)
{
    static const unsigned char places[] = {1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30};
    for (unsigned number = name->long_entries; number; number--, p += IMG_FAT_ENTRY) {
        p[0] = (unsigned char)(number | (number == name->long_entries ? LAST_LONG : 0));
        p[11] = ATTR_LONG;
        p[13] = checksum(name->alias);
        for (size_t i = 0; i < LONG_CHARS; i++) {
            size_t c = (number - 1) * LONG_CHARS + i;
            unsigned value = c < node->name_len ? (unsigned char)node->name[c] : 0;
            img_put_le16(p + places[i], c > node->name_len ? 0xffff : value);
        }
    }
    return p;
}

int img_fat_label(const char *text, unsigned char ret[IMG_FAT_ALIAS], struct mir_error *err)
{
    size_t len = text ? strlen(text) : 0;
    if (len > IMG_FAT_ALIAS)
        return mir_fail(err, MIR_USAGE, "the label \"%.40s\" has more than 11 characters", text);
    memcpy(ret, len ? "           " : "NO NAME    ", IMG_FAT_ALIAS);
    for (size_t i = 0; i < len; i++) {
        bool odd = text[i] < ' ' || text[i] > '~' || strchr(forbidden, text[i]) ||
                   (text[i] != ' ' && strchr(long_only, text[i]));
        if (odd || text[0] == ' ')
            return mir_fail(err, MIR_USAGE, "the label \"%s\" has what FAT does not allow", text);
        ret[i] = upper(text[i]);
    }
    return 0;
}
