/** `npm run peers`: the real servers and descriptions that some tests use, in a package of their own. */
import { ensureInstalled } from "../../scripts/private-package.ts";

ensureInstalled(import.meta.dirname);
