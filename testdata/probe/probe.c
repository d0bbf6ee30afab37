/* The probe application of "launcher conformance --echo" on libfcgi: cc -o probe probe.c -lfcgi.
 * The listening socket is descriptor 0. fcgi/conformance/README.md has the contract. */
#include <fcgiapp.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define FILES 1100

static int files[FILES];
static int opened;

static void open_files(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < FILES + 400) {
    limit.rlim_cur = limit.rlim_max < FILES + 400 ? limit.rlim_max : FILES + 400;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  while (opened < FILES && (files[opened] = open("/dev/null", O_RDONLY)) >= 0)
    opened++;
}

static void close_files(void) {
  while (opened > 0)
    close(files[--opened]);
}

static void echo(FCGX_Request *request) {
  char buffer[65536];
  int length;
  for (char **variable = request->envp; *variable; variable++)
    FCGX_FPrintF(request->out, "%s\n", *variable);
  FCGX_PutS("\n", request->out);
  while ((length = FCGX_GetStr(buffer, sizeof buffer, request->in)) > 0)
    FCGX_PutStr(buffer, length, request->out);
}

static void big(FCGX_Request *request) {
  static char block[65536];
  memset(block, 'x', sizeof block);
  for (int i = 0; i < 1024 && FCGX_PutStr(block, sizeof block, request->out) >= 0; i++)
    ;
}

int main(void) {
  FCGX_Request request;
  FCGX_Init();
  FCGX_InitRequest(&request, 0, 0);
  while (FCGX_Accept_r(&request) == 0) {
    const char *query = FCGX_GetParam("QUERY_STRING", request.envp);
    const char *command = query && strncmp(query, "probe=", 6) == 0 ? query + 6 : "";
    if (strcmp(command, "open") == 0)
      open_files();
    if (strcmp(command, "close") == 0)
      close_files();
    if (strcmp(command, "open") == 0 && opened < FILES)
      FCGX_PutS("Status: 501 Not Implemented\r\n", request.out);
    FCGX_FPrintF(request.out, "Content-Type: application/octet-stream\r\nX-Probe: %d\r\n\r\n", (int)getpid());
    if (strcmp(command, "echo") == 0)
      echo(&request);
    else if (strcmp(command, "big") == 0)
      big(&request);
    else if (strcmp(command, "stderr") == 0)
      FCGX_PutS("\x1b[31mred\a\x7f\n", request.err);
    FCGX_Finish_r(&request);
  }
  return 0;
}
