//! Bytes and frames, without a vocabulary: Socket.IO and WebSocket.

pub mod socketio;
mod upgrade;
pub mod websocket;
