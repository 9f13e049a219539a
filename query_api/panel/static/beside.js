// What is read beside the list, once there is a place to show it: what the token allows, what
// imports did, who the filters name, the line of a link, lives.
import { ApiError } from './api.js';
import { importsOf, lineOf, metaOf } from './api-rest.js';
import { Lives } from './life.js';
import { DELETED_REF, idIn } from './state.js';

/** Reads for a session, and leaves there what it found. */
export class Beside {
  /** @param {import('./session.js').Session} session */
  constructor(session) {
    this._session = session;
    this.lives = new Lives(() => session.api, () => session.listener.onChange());
  }

  /** Read what belongs to the lines that are there by now. */
  readAll() {
    void this.loadMeta();
    void this.countImports();
    void this.learnFiltered();
    void this.loadLinked();
  }

  /** What the token allows, how far back the log reaches, and which licenses it names: once. */
  async loadMeta() {
    const session = this._session;
    const { generation } = session.tokens;
    if (session.scopes !== null) return;
    try {
      const meta = await metaOf(session.api);
      if (generation !== session.tokens.generation) return;
      session.scopes = meta.scopes;
      session.licenses = meta.licenses;
      session.hasMoreLicenses = meta.has_more_licenses;
      session.learnRetention(meta.retention_from);
    } catch (error) {
      // Not needed to read the log: the list's own error says what is wrong.
      if (!(error instanceof ApiError)) throw error;
    }
    session.listener.onChange();
  }

  async countImports() {
    const session = this._session;
    if (!session.runs.some(({ importId }) => importId)) return;
    const { list } = session;
    try {
      const found = await importsOf(session.api, session.query());
      if (list !== session.list) return;
      session.imports = new Map(found.map((one) => [one.import_id, one]));
    } catch (error) {
      // Their rows then say how many lines are here, and no more.
      if (!(error instanceof ApiError)) throw error;
    }
    session.listener.onChange();
  }

  /** Ask who it is that the filters name and no shown line does. Each time anew: they may be deleted meanwhile. */
  async learnFiltered() {
    const { list, persons, filters } = this._session;
    if (list.error) return;
    const shown = new Set(list.lines.flatMap((line) => [line.affected_user.ref, line.admin.ref]));
    const sides = /** @type {const} */ ({ affected_user: filters.affectedUsers, admin: filters.admins });
    for (const [side, refs] of Object.entries(sides)) {
      for (const ref of refs.filter((one) => one !== DELETED_REF && !idIn(one) && !shown.has(one) && !persons.isErased(one))) {
        await this._learnPerson(/** @type {keyof typeof sides} */ (side), ref);
      }
    }
  }

  /** @param {'affected_user'|'admin'} side @param {string} ref */
  async _learnPerson(side, ref) {
    const { api, listener, persons } = this._session;
    try {
      const page = await api.page(new URLSearchParams({ [side]: `ref:${ref}` }), { limit: 1 });
      const [line] = page.data;
      if (line) persons.learn([line[side]]);
      else if (persons.of(ref)) persons.forget(ref);
      else return;
      if (!line) listener.onDeletion();
    } catch (error) {
      // The list's own error says what is wrong.
      if (!(error instanceof ApiError)) throw error;
    }
    listener.onChange();
  }

  /** One at a time: an older answer must not follow a newer one, nor open again what the reader closed meanwhile. */
  async loadLinked() {
    const session = this._session;
    const { linked } = session;
    if (!linked || linked.isLoading) return;
    linked.isLoading = true;
    const before = linked.line;
    try {
      linked.line = await lineOf(session.api, linked.id);
      linked.error = null;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      linked.error = error;
      if (error.kind === 'not_found' || error.isRefusal) linked.line = null;
    } finally {
      linked.isLoading = false;
    }
    if (linked !== session.linked) return;
    if (!before && linked.line) session.expanded.add(linked.id);
    if (before && linked.line) session.forgetDeleted([before], [linked.line], session.filters);
    session.listener.onChange();
  }
}
