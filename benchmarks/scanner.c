/* The least that a program can do: COCO results, grouped by image, to packets of the same fields; nothing is checked,
   and the 16 digits of each reference are always the same.
   Usage: scanner results.json dataset.json packets.ndjson; prints the seconds of its work. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static char *slurp(const char *path) {
    FILE *in = fopen(path, "rb");
    if (!in) { perror(path); exit(1); }
    fseek(in, 0, SEEK_END);
    long size = ftell(in);
    rewind(in);
    char *text = malloc(size + 1);
    if (fread(text, 1, size, in) != (size_t)size) exit(1);
    text[size] = 0;
    fclose(in);
    return text;
}

static double number(char **at) {
    char *p = *at;
    while (*p == ' ' || *p == ',' || *p == '[' || *p == ':') p++;
    double value = 0, scale = 1;
    int negative = *p == '-';
    if (negative) p++;
    for (; *p >= '0' && *p <= '9'; p++) value = 10 * value + (*p - '0');
    if (*p == '.')
        for (p++; *p >= '0' && *p <= '9'; p++) { value = 10 * value + (*p - '0'); scale *= 10; }
    if (*p == 'e' || *p == 'E') { value = strtod(*at + strspn(*at, " ,[:"), &p); scale = 1; negative = 0; }
    *at = p;
    return (negative ? -value : value) / scale;
}

static char *after(char *p, const char *key) {
    p = strstr(p, key);
    return p ? p + strlen(key) : NULL;
}

static char *put_number(char *out, long value) {
    char digits[24];
    int n = 0;
    do digits[n++] = '0' + value % 10; while (value /= 10);
    while (n) *out++ = digits[--n];
    return out;
}

static char *put(char *out, const char *text) {
    size_t n = strlen(text);
    memcpy(out, text, n);
    return out + n;
}

static char *copied(char *p, char **end) {
    p = strchr(p, '"') + 1;
    *end = strchr(p, '"');
    char *text = strndup(p, *end - p);
    return text;
}

int main(int argc, char **argv) {
    if (argc != 4) return 2;
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    char *dataset = slurp(argv[2]), *text = slurp(argv[1]);
    char **files = calloc(1 << 22, sizeof *files), **names = calloc(1 << 16, sizeof *names);
    char *categories = strstr(dataset, "\"categories\"");
    for (char *p = dataset; (p = after(p, "\"id\"")) && p < categories;) {
        long id = number(&p);
        p = after(p, "\"file_name\":");
        files[id] = copied(p, &p);
    }
    for (char *p = categories; (p = after(p, "\"id\""));) {
        long id = number(&p);
        p = after(p, "\"name\":");
        names[id] = copied(p, &p);
    }
    FILE *stream = fopen(argv[3], "wb");
    size_t room = 1 << 24;
    char *buffer = malloc(room), *out = buffer;
    long current = -1;
    for (char *p = text; (p = after(p, "\"image_id\""));) {
        long image = number(&p);
        p = after(p, "\"category_id\"");
        long category = number(&p);
        p = after(p, "\"bbox\"");
        double x = number(&p), y = number(&p), w = number(&p), h = number(&p);
        p = after(p, "\"score\":");
        while (*p == ' ') p++;
        size_t digits = strcspn(p, ",} ");
        if (image != current) {
            if (current >= 0) out = put(out, "]}\n");
            if ((size_t)(out - buffer) > room / 2) { fwrite(buffer, 1, out - buffer, stream); out = buffer; }
            out = put(put(put(out, "{\"media\":{\"url\":\""), files[image]), "\",\"type\":\"image\"},\"original_filename\":\"");
            out = put(put(out, files[image]), "\",\"instance_list\":[");
            current = image;
        } else *out++ = ',';
        out = put(put(put(out, "{\"name\":\""), names[category]), "\",\"machine_made\":true,\"score\":");
        memcpy(out, p, digits);
        long corners[4] = {floor(x + .5), floor(y + .5), floor(x + w + .5), floor(y + h + .5)};
        out = put(out + digits, ",\"model_ref\":\"model\",\"model_run_ref\":\"results\",");
        out = put(out, "\"creation_ref_id\":\"boxferry:0123456789abcdef:");
        for (int i = 0; i < 4; i++) { out = put_number(out, corners[i]); *out++ = i < 3 ? ',' : ':'; }
        out = put(put(out, names[category]), "\",\"type\":\"box\",\"x_min\":");
        out = put_number(out, corners[0]);
        out = put_number(put(out, ",\"y_min\":"), corners[1]);
        out = put_number(put(out, ",\"x_max\":"), corners[2]);
        out = put_number(put(out, ",\"y_max\":"), corners[3]);
        *out++ = '}';
    }
    if (current >= 0) out = put(out, "]}\n");
    fwrite(buffer, 1, out - buffer, stream);
    fclose(stream);
    clock_gettime(CLOCK_MONOTONIC, &to);
    printf("%.4f\n", (to.tv_sec - from.tv_sec) + (to.tv_nsec - from.tv_nsec) / 1e9);
    return 0;
}
