// The environment, read once.
process.env.NODE_ENV ??= 'production';

function required(name) {
  const value = process.env[name];
  if (!value) {
    console.error(`${name} is not set`);
    process.exit(2);
  }
  return value;
}

export const uri = required('MONGODB_URI');
export const database = () => required('MONGODB_DB');
export const secret = () => required('JWT_SECRET');
export const host = process.env.HOST || '127.0.0.1';
export const port = Number(process.env.PORT || 3001);
/** `copy.js`: Wardline's database, and the peer's. */
export const from = () => required('FROM');
export const to = () => required('TO');
