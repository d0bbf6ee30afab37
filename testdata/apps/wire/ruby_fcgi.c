/* What the C extension of ruby-fcgi calls and Ruby 3 no longer has (Debian 12 has it built for Ruby 3.1, where it cannot be loaded for
 * that). Since Ruby 2.3 the one did nothing at the level that the other has always returned there. */

void rb_secure(int level) { (void)level; }

int rb_safe_level(void) { return 0; }
